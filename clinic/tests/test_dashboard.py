"""The clinic on the admin's first page, whoever changes what, in whatever process."""

import datetime

import pytest
from django.utils import timezone
from model_bakery import baker

from clinic import booking
from clinic.models import Appointment, Closure, Patient
from clinic.tests.clinics import session_today

pytestmark = pytest.mark.django_db(transaction=True)

OPEN_TODAY = """
from clinic.tests.clinics import session_today
session_today(capacity=7)
"""
CARDS = """
from backoffice.live.blocks import blocks
cards = blocks.all()["today"].context()["cards"]
print([(card.session.booked, card.session.capacity) for card in cards if card.session])
"""
BOOK = """
from clinic import booking
from clinic.models import ClinicSession, Patient
from model_bakery import baker
booking.book(ClinicSession.objects.get(), baker.make(Patient, national_id="", email=""), by=None)
"""


@pytest.fixture
def first_page(client, front_desk):
    client.force_login(front_desk)
    return lambda: client.get("/admin/").text


def somebody(**details) -> Patient:
    return baker.make(Patient, national_id="", email="", **details)


def test_a_booking_a_call_and_a_closure_show_at_once(first_page):
    session = session_today(capacity=5)
    assert "0 of 5 booked" in first_page()
    here = booking.book(session, somebody(), by=None)
    assert "1 of 5 booked" in first_page()
    booking.check_in(here, by=None)
    assert "1 waiting" in first_page()
    booking.call_next(session, by=None)
    assert 'data-glow="serving-morning">1<' in first_page()
    booking.mark_done(Appointment.objects.get(), by=None)
    assert "1 seen" in first_page()


def test_a_closure_shows_with_its_reason(first_page, hours):
    assert "Typhoon" not in first_page()
    today = timezone.localdate()
    baker.make(Closure, starts_on=today, ends_on=today, period="", reason="Typhoon")
    assert "Typhoon" in first_page()


def test_whose_identity_is_to_be_settled_stands_there_until_it_is(first_page):
    visit = booking.book(session_today(), somebody(full_name="Chen Wei-Ting"), by=None)
    assert "Identity to check" not in first_page()
    visit.identity_conflict = True
    visit.save()
    assert "Identity to check" in first_page()
    assert "Chen Wei-Ting" in first_page()
    Appointment.objects.filter(pk=visit.pk).update(identity_conflict=False)
    assert "Identity to check" not in first_page()


def test_the_chart_counts_what_is_booked_and_what_is_left(first_page, hours):
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    booking.book(booking.session_for(tomorrow, "morning"), somebody(), by=None)
    label = f"{tomorrow:%a} {tomorrow.day} {tomorrow:%b}"
    assert f'<th scope="row">{label}</th><td>1</td><td>5</td>' in first_page()  # six places a day


def test_a_clinic_without_hours_is_led_to_them(client, administrator):
    client.force_login(administrator)
    assert "Type the opening hours" in client.get("/admin/").text


@pytest.mark.slow
@pytest.mark.parametrize("broker", ["database", pytest.param("redis", marks=pytest.mark.redis)])
def test_what_one_process_changes_another_shows(installation, broker, request):
    if broker == "redis":
        installation.environment["REDIS_URL"] = request.getfixturevalue("redis_url")
    assert installation.python(OPEN_TODAY + CARDS).strip() == "[(0, 7)]"
    assert installation.python(CARDS + BOOK).strip() == "[(0, 7)]"  # what is shown comes from the cache
    assert installation.python(CARDS).strip() == "[(1, 7)]"
