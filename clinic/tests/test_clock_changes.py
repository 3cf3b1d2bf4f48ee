"""The days on which a clock that is put forward and back in spring and autumn is changed, and the 29th of February."""

import datetime
from zoneinfo import ZoneInfo

import icalendar
import pytest
from django.core import mail as django_mail
from django.urls import reverse
from django.utils import timezone
from django_q.models import Schedule
from model_bakery import baker

from backoffice.jobs import scheduled_runs, schedules
from clinic import booking, reminders
from clinic.hours.availability import offered_days
from clinic.models import ClinicSession, Patient, Period

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN, LEAP_DAY = (datetime.date(*day) for day in ((2027, 3, 28), (2026, 10, 25), (2028, 2, 29)))
DAYS = [SPRING, AUTUMN, LEAP_DAY]


@pytest.fixture
def at(settings, monkeypatch):
    """Have the clinic's clock, in Berlin, show that hour of that day; `fold` is which of two."""
    settings.TIME_ZONE = "Europe/Berlin"

    def show(day: datetime.date, hour: int, minute: int = 0, fold: int = 0) -> datetime.datetime:
        moment = datetime.datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN, fold=fold)
        moment = moment.astimezone(datetime.UTC)
        monkeypatch.setattr(timezone, "now", lambda: moment)
        return moment

    return show


@pytest.mark.parametrize("day", DAYS)
def test_the_day_is_offered_booked_and_written_into_the_calendar_at_its_hours(at, hours, client, day):
    at(day - datetime.timedelta(days=1), 23, 59)
    assert [offer.session.date for offer in offered_days()[0].offers] == [day, day]
    session = booking.session_to_book(day, Period.MORNING)
    visit = booking.book(session, baker.make(Patient), by=None)
    page = client.get(reverse("clinic:calendar", args=[visit.reference]))
    [event] = icalendar.Calendar.from_ical(page.content).walk("VEVENT")
    for begins, hour in ((event.start, 9), (event.end, 12)):
        assert begins == datetime.datetime(day.year, day.month, day.day, hour, tzinfo=BERLIN)


@pytest.mark.parametrize("day", DAYS)
def test_a_session_runs_and_ends_by_the_clock_on_the_wall(at, hours, day):
    at(day, 0, 1)
    session = booking.session_for(day, Period.MORNING)
    for hour, runs, ended in ((8, False, False), (9, True, False), (11, True, False), (12, False, True)):
        at(day, hour)
        assert (session.is_running(), session.has_ended()) == (runs, ended), hour


def test_in_an_hour_that_comes_twice_a_session_runs_twice_as_long_and_is_one(at, db):
    session = baker.make(
        ClinicSession, date=AUTUMN, period=Period.MORNING, opens_at=datetime.time(2), closes_at=datetime.time(3)
    )
    for fold in (0, 1):
        at(AUTUMN, 2, 30, fold=fold)
        assert session.is_running()
    at(AUTUMN, 3)
    assert session.has_ended()


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("hour", [0, 3, 17, 23])
def test_the_day_before_reminds_of_the_day_once_at_whatever_hour(at, hours, day, hour):
    at(day - datetime.timedelta(days=2), 12)
    for ahead in (0, 1):  # and of who comes the day after nobody is reminded yet
        session = booking.session_to_book(day + datetime.timedelta(days=ahead), Period.MORNING)
        booking.book(session, baker.make(Patient, email="lin@example.org"), by=None)
    at(day - datetime.timedelta(days=1), hour)
    assert (reminders.remind(), reminders.remind()) == (1, 0)
    at(day, hour)
    assert (reminders.remind(), reminders.remind()) == (1, 0)
    assert not django_mail.outbox  # they wait for the worker


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_what_runs_at_half_past_two_does_so_again_once_the_clock_was_changed(at, db, monkeypatch, day):
    """django-q2 counts on from the run before: from an hour that was left out it would stay an hour too early."""
    monkeypatch.setattr("django_q.conf.Conf.TIME_ZONE", "Europe/Berlin")
    function, declared = next(
        (name, row) for name, row in schedules.declared.all().items() if row.at == datetime.time(2, 30)
    )
    at(day - datetime.timedelta(days=2), 12)
    Schedule.objects.filter(name=function).delete()
    schedules.align()
    ran = []
    for _night in range(4):
        row = Schedule.objects.get(name=function)
        local = row.next_run.astimezone(BERLIN)
        ran.append(local)
        at(local.date(), local.hour, local.minute, fold=local.fold)
        row.next_run = row.calculate_next_run()
        row.save()
        scheduled_runs._ended({"func": function, "success": True})
    assert [moment.date() for moment in ran] == [day + datetime.timedelta(days=ahead) for ahead in (-1, 0, 1, 2)]
    assert [moment.hour for moment in ran] == [2, 3 if day == SPRING else 2, 2, 2]
    assert declared.missed(ran[-1], ran[-1] + datetime.timedelta(hours=20)) == 0
