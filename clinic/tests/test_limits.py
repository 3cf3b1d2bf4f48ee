"""What keeps machines from booking."""

import time

import pytest
from django.test import RequestFactory

from clinic import limits
from clinic.draft import KEY
from clinic.models import Appointment

pytestmark = pytest.mark.django_db


@pytest.fixture
def book(client, hours, tomorrow):
    """Walk the pages to the end with a person's details; returns the last page."""

    def walk(**details):
        person = {
            "full_name": "Lin Mei-ling",
            "date_of_birth": "1984-05-02",
            "sex": "female",
            "national_id": "A123456789",
            "phone": "0912345678",
        }
        client.post("/book/", {"session": f"{tomorrow}/morning"})
        client.post("/book/details/", person | details)
        return client.post("/book/survey/", follow=True)

    return walk


def test_a_form_filled_in_no_time_is_asked_for_once_more(book, client, settings):
    settings.BOOKING_MIN_SECONDS = 5
    assert b"That was very fast" in book().content
    assert not Appointment.objects.exists()
    session = client.session
    session[KEY] = session[KEY] | {"started_at": time.time() - 6}
    session.save()
    assert b"You are booked" in client.post("/book/survey/", follow=True).content


def test_a_field_that_people_do_not_see_stays_empty(book):
    book(website="https://spam.example")
    assert not Appointment.objects.exists()


def test_one_address_books_so_often_and_no_more(book, settings):
    settings.BOOKING_RATE_LIMIT = 1
    assert b"You are booked" in book().content
    assert b"Too many bookings" in book(national_id="B123456780").content
    assert Appointment.objects.count() == 1


def test_the_count_is_exact_for_each_address_and_hour(settings, monkeypatch):
    settings.BOOKING_RATE_LIMIT = 3
    here, there = (RequestFactory().get("/", REMOTE_ADDR=address) for address in ("192.0.2.1", "192.0.2.2"))
    assert [limits.may_book(here) for _time in range(5)] == [True] * 3 + [False] * 2
    assert limits.may_book(there)
    an_hour_later = time.time() + limits.HOUR
    monkeypatch.setattr("clinic.limits.time.time", lambda: an_hour_later)
    assert limits.may_book(here)


def test_zero_turns_the_limit_off(settings):
    settings.BOOKING_RATE_LIMIT = 0
    assert limits.may_book(RequestFactory().get("/"))


@pytest.mark.parametrize(("behind_proxy", "address"), [(True, "198.51.100.7"), (False, "10.0.0.1")])
def test_only_our_own_proxy_is_believed_and_only_its_own_word(settings, behind_proxy, address):
    settings.BEHIND_PROXY = behind_proxy
    request = RequestFactory().get(
        "/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    )
    assert limits.client_address(request) == address
