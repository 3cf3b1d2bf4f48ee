"""What keeps machines from booking."""

import itertools
import time
from ipaddress import ip_network

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from backoffice.models import Mail
from backoffice.tests.lines import written_to
from clinic.models import Appointment
from clinic.public import limits
from clinic.public.draft import KEY

pytestmark = pytest.mark.django_db


def test_a_form_filled_in_no_time_is_asked_for_once_more(book_online, client, settings):
    settings.BOOKING_MIN_SECONDS = 5
    assert b"That was very fast" in book_online().content
    assert not Appointment.objects.exists()
    session = client.session
    session[KEY] = session[KEY] | {"started_at": time.time() - 6}
    session.save()
    assert b"You are booked" in client.post("/book/survey/", follow=True).content


def test_a_field_that_people_do_not_see_stays_empty(book_online):
    book_online(website="https://spam.example")
    assert not Appointment.objects.exists()


def visitor(address: str = "192.0.2.1", **values) -> HttpRequest:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    request.user = AnonymousUser()
    for name, value in values.items():
        setattr(request, name, value)
    return request


def somebody() -> str:
    """An ID number that nobody else has."""
    return f"A{next(numbers):09d}"


numbers = itertools.count()


def test_one_address_books_so_often_and_no_more(book_online, settings):
    settings.BOOKING_RATE_LIMIT = 1
    assert b"You are booked" in book_online().content
    assert b"Too many bookings" in book_online(national_id="B123456780").content
    assert Appointment.objects.count() == 1


def test_a_limit_that_is_reached_stands_in_the_security_log(book_online, settings):
    settings.BOOKING_RATE_LIMIT = 1
    with written_to("collimator.security") as lines:
        book_online()
        book_online(national_id="B123456780")
    [line] = lines
    assert (line["message"], line["path"], line["address"]) == ("limit reached", "/book/survey/", "127.0.0.1")
    assert "B123456780" not in str(line)


def test_one_person_books_so_often_from_wherever(settings):
    settings.BOOKING_RATE_LIMIT_PER_PERSON = 2
    assert [limits.may_book(visitor(f"192.0.2.{n}"), "A123456789") for n in range(4)] == [True] * 2 + [False] * 2
    assert limits.may_book(visitor(), "B123456780")


def test_the_count_is_exact_for_each_address_and_hour(settings, monkeypatch):
    settings.BOOKING_RATE_LIMIT = 3
    assert [limits.may_book(visitor(), somebody()) for _time in range(5)] == [True] * 3 + [False] * 2
    assert limits.may_book(visitor("192.0.2.2"), somebody())
    an_hour_later = time.time() + limits.HOUR
    monkeypatch.setattr("clinic.public.limits.time.time", lambda: an_hour_later)
    assert limits.may_book(visitor(), somebody())


def test_an_ipv6_household_counts_as_one(settings):
    settings.BOOKING_RATE_LIMIT = 1
    assert limits.may_book(visitor("2001:db8::1"), somebody())
    assert not limits.may_book(visitor("2001:db8::2"), somebody())
    assert limits.may_book(visitor("2001:db8:0:1::1"), somebody())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("times", [1, 4])
def test_all_limits_of_a_booking_are_counted_in_one_transaction_also_of_who_books_often(times):
    for _time in range(times - 1):
        limits.may_book(visitor(), somebody(), "somebody@example.org")
    with CaptureQueriesContext(connection) as asked:
        assert limits.may_book(visitor(), somebody(), "somebody@example.org")
    statements = [query["sql"].split()[0] for query in asked]
    assert (statements.count("INSERT"), statements.count("BEGIN"), statements.count("COMMIT")) == (3, 1, 1)


def test_who_has_had_their_share_uses_up_nobody_elses_and_writes_nothing(settings):
    settings.BOOKING_RATE_LIMIT, settings.BOOKING_RATE_LIMIT_PER_PERSON = 1, 1
    assert limits.may_book(visitor(), somebody())
    with CaptureQueriesContext(connection) as asked:
        assert not limits.may_book(visitor(), "A123456789", "lin@example.org")
    assert not any("INSERT" in query["sql"] for query in asked)
    assert limits.may_book(visitor("192.0.2.2"), "A123456789", "lin@example.org")


@pytest.mark.parametrize("address", ["192.0.2.7", "::ffff:192.0.2.7"])
def test_who_waits_in_the_clinic_is_not_counted(settings, address):
    settings.BOOKING_RATE_LIMIT = 1
    settings.BOOKING_UNLIMITED_NETWORKS = [ip_network("192.0.2.0/24")]
    assert all(limits.may_book(visitor(address), somebody()) for _time in range(3))


def behind_a_proxy(*said: str) -> HttpRequest:
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": ", ".join(said)})
    request.user = AnonymousUser()
    return request


def test_who_comes_without_an_address_that_can_be_read_counts_as_one_with_all_others(settings):
    settings.BEHIND_PROXY, settings.BOOKING_RATE_LIMIT = True, 2
    settings.BOOKING_UNLIMITED_NETWORKS = [ip_network("10.0.0.0/8")]  # the proxy's own is nobody's
    nobody = [behind_a_proxy(), behind_a_proxy("unknown"), behind_a_proxy("203.0.113.9", "_hidden"), visitor("")]
    assert [limits.may_book(request, somebody()) for request in nobody] == [True, True, False, False]
    assert limits.may_book(behind_a_proxy("203.0.113.9"), somebody())


@pytest.mark.parametrize(
    ("spelled", "address"),
    [
        ("203.0.113.7:51000", "203.0.113.7"),
        ("[2001:db8::7]:51000", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_address_is_the_same_however_a_proxy_spells_it(settings, spelled, address):
    settings.BEHIND_PROXY = True
    assert str(limits.client_address(behind_a_proxy(spelled))) == address


def test_one_mailbox_is_written_to_so_often_whoever_is_booked(settings):
    settings.BOOKING_RATE_LIMIT_PER_PERSON = 2
    mailboxes = ["lin@example.org", "Lin@example.org", "lin+1@EXAMPLE.org"]
    assert [limits.may_book(visitor(), somebody(), mailbox) for mailbox in mailboxes] == [True, True, False]
    assert limits.may_book(visitor(), somebody(), "chen@example.org")


def test_one_address_begins_so_many_drafts_and_no_more(client, slot, settings):
    settings.BOOKING_RATE_LIMIT = 1
    for _visitor in range(limits.DRAFTS_FOR_A_BOOKING):
        client.cookies.clear()
        assert client.post("/book/", {"session": slot}).url == "/book/details/"
    client.cookies.clear()
    page = client.post("/book/", {"session": slot}, follow=True)
    assert b"Too many bookings" in page.content
    assert KEY not in client.session


def test_a_disk_that_is_full_is_not_told_as_a_limit(slot):
    def full(execute, sql, *others):
        if sql.startswith('INSERT INTO "cache"'):
            raise OperationalError("database or disk is full")
        return execute(sql, *others)

    with connection.execute_wrapper(full):
        answer = Client(raise_request_exception=False).post("/book/", {"session": slot})
    assert answer.status_code == 500
    assert "try again in a minute" in answer.text


def test_a_booking_is_moved_so_often_and_no_more(book_online, client, tomorrow, settings):
    settings.BOOKING_MOVES_LIMIT = 2
    book_online(email="lin@example.org")
    visit = Appointment.objects.get()
    address = f"/bookings/{visit.reference}/move/"
    pages = [
        client.post(address, {"session": f"{tomorrow}/{period}"}, follow=True)
        for period in ("afternoon", "morning", "afternoon")
    ]
    assert [b"was moved often" in page.content for page in pages] == [False, False, True]
    visit.refresh_from_db()
    assert (visit.session.period, visit.queue_number) == ("morning", 2)
    assert Mail.objects.count() == 2  # the booking's, and the last move's
    assert client.post(f"/bookings/{visit.reference}/cancel/").status_code == 302
    visit.refresh_from_db()
    assert visit.status == Appointment.Status.CANCELLED


def test_signed_in_staff_are_not_counted(settings, front_desk):
    settings.BOOKING_RATE_LIMIT = settings.BOOKING_RATE_LIMIT_PER_PERSON = 1
    assert all(limits.may_book(visitor(user=front_desk), "A123456789") for _time in range(3))


def test_zero_turns_the_limits_off(settings):
    settings.BOOKING_RATE_LIMIT = settings.BOOKING_RATE_LIMIT_PER_PERSON = 0
    assert all(limits.may_book(visitor(), "A123456789") for _time in range(3))


def test_the_cache_knows_neither_the_person_nor_the_address():
    limits.may_book(visitor(), "A123456789")
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM cache")
        keys = [key for (key,) in cursor.fetchall()]
    assert any("bookings:" in key for key in keys)
    assert not any("A123456789" in key or "192.0.2.1" in key for key in keys)


@pytest.mark.parametrize(("behind_proxy", "address"), [(True, "198.51.100.7"), (False, "10.0.0.1")])
def test_only_our_own_proxy_is_believed_and_only_its_own_word(settings, behind_proxy, address):
    settings.BEHIND_PROXY = behind_proxy
    request = RequestFactory().get(
        "/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    )
    assert str(limits.client_address(request)) == address
