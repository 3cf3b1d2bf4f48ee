"""`check_integrity`: what is counted is what is there, and how it is mended where it is not."""

import datetime
import io

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker

from backoffice.jobs.registry import check
from clinic import booking
from clinic.models import Appointment, ClinicSession, Patient

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(session) -> Appointment:
    return booking.book(session, baker.make(Patient, full_name="Lin Mei-Ling", national_id=""), by=None)


def run() -> tuple[int, str]:
    """(exit status, what was printed)"""
    printed = io.StringIO()
    try:
        call_command("check_integrity", stdout=printed)
    except SystemExit as ended:
        return ended.code, printed.getvalue()
    return 0, printed.getvalue()


@pytest.mark.usefixtures("on_the_day")
def test_a_day_of_booking_moving_and_hiding_leaves_nothing_to_tell(session, afternoon, visit, front_desk):
    moved, gone, hidden = (booking.book(session, baker.make(Patient), by=None, overbook=True) for _person in range(3))
    booking.move(moved, afternoon, by=front_desk)
    booking.cancel(gone, by=None)
    Appointment.objects.filter(pk=hidden.pk).hide(by=front_desk)
    booking.check_in(visit, by=front_desk)
    status, printed = run()
    assert status == 0
    assert "places: ok" in printed


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"booked": 3}, "says 3 booked, and 1 appointments hold a place: too few are offered"),
        ({"booked": 0}, "says 0 booked, and 1 appointments hold a place: too many are offered"),
        ({"last_number": 0}, "gave 0 as its last number, and 1 is taken"),
    ],
)
def test_a_counter_that_differs_is_told_and_mended(client, administrator, session, visit, wrong, told):
    ClinicSession.objects.update(**wrong)
    status, printed = run()
    assert status == 1
    assert f"Session {session.slug} (id {session.pk}) {told}" in printed
    assert "Lin" not in printed
    client.force_login(administrator)
    sessions = reverse("admin:clinic_clinicsession_changelist")
    client.post(sessions, {"action": "count_anew", "_selected_action": session.pk})
    assert run()[0] == 0
    session.refresh_from_db()
    assert (session.booked, session.last_number) == (1, 1)


def test_counting_anew_grants_what_is_there(session, visit):
    ClinicSession.objects.update(booked=0, capacity=0)
    booking.count_anew(session, by=None)
    session.refresh_from_db()
    assert (session.booked, session.overbooked) == (1, 1)


@pytest.mark.parametrize(
    ("model", "wrong", "told"),
    [
        (ClinicSession, {"current_number": 9}, "serves number 9, which it never gave"),
        (ClinicSession, {"hidden_at": timezone.now()}, "is visible in a session that is hidden"),
        (Appointment, {"status": "done"}, "on a day that has not come"),
        (Appointment, {"status": "called"}, "is called, without a time"),
    ],
)
def test_what_contradicts_itself_is_told(session, visit, model, wrong, told):
    model.objects.update(**wrong)
    status, printed = run()
    assert status == 1
    assert told in printed


def test_however_much_differs_it_takes_one_query(hours, django_assert_num_queries):
    today = datetime.date(2026, 1, 5)
    baker.make(
        ClinicSession,
        20,
        date=iter(today + datetime.timedelta(days=ahead) for ahead in range(20)),
        opens_at=datetime.time(9),
        closes_at=datetime.time(12),
        capacity=9,
        booked=9,
    )
    with django_assert_num_queries(1):
        assert len(list(check.all()["places"]())) == 20


def test_two_checks_of_one_name_are_refused():
    assert "places" in check.all()
    with pytest.raises(ImproperlyConfigured, match=r"clinic\.upkeep\.places_are_counted and .*another"):

        @check("places")
        def another():
            yield "Nobody would read this."


def test_every_app_can_add_its_own(monkeypatch):
    monkeypatch.setattr(check, "_named", dict(check.all()))
    check("files")(lambda: iter(["X-ray 3 has no file. Restore it from a backup."]))
    status, printed = run()
    assert status == 1
    assert "files: X-ray 3 has no file." in printed
