"""The day at the desk: here, called, called again, passed over, done."""

import datetime

import pytest
from model_bakery import baker

from clinic import booking
from clinic.booking import calling
from clinic.models import Appointment, Patient

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("on_the_day")]
Status = Appointment.Status


@pytest.fixture
def three_here(session, front_desk):
    visits = [booking.book(session, baker.make(Patient), by=front_desk) for _place in range(3)]
    for visit in visits:
        booking.check_in(visit, by=front_desk)
    return visits


def test_it_calls_the_lowest_number_of_those_who_are_here(session, front_desk):
    first, second, _third = (booking.book(session, baker.make(Patient), by=front_desk) for _place in range(3))
    assert booking.call_next(session, by=front_desk) is None
    booking.check_in(second, by=front_desk)
    assert booking.call_next(session, by=front_desk) == second
    booking.check_in(first, by=front_desk)
    called = booking.call_next(session, by=front_desk)
    session.refresh_from_db()
    assert (called, called.status, session.current_number) == (first, Status.CALLED, 1)
    assert called.called_at


def test_it_calls_again(session, three_here, front_desk):
    with pytest.raises(booking.NobodyCalled):
        booking.recall(session, by=front_desk)
    before = booking.call_next(session, by=front_desk).called_at
    again = booking.recall(session, by=front_desk)
    assert again == three_here[0]
    assert again.called_at > before


def test_whoever_is_passed_over_may_still_come_with_the_same_number(session, three_here, front_desk):
    first, second, third = three_here
    booking.call_next(session, by=front_desk)
    assert booking.skip(session, by=front_desk) == second
    first.refresh_from_db()
    assert first.status == Status.BOOKED
    assert first.called_at
    booking.check_in(first, by=front_desk)
    assert booking.call_next(session, by=front_desk) == first
    assert booking.call_next(session, by=front_desk) == third


def test_nobody_is_passed_over_twice(session, three_here, front_desk):
    booking.call_next(session, by=front_desk)
    booking.mark_done(three_here[0], by=front_desk)
    with pytest.raises(booking.NobodyCalled):
        booking.skip(session, by=front_desk)


@pytest.mark.parametrize(
    ("action", "start"),
    [
        (booking.check_in, Status.CALLED),
        (booking.check_in, Status.CANCELLED),
        (booking.mark_done, Status.BOOKED),
        (booking.mark_done, Status.CANCELLED),
        (booking.mark_no_show, Status.DONE),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(session, front_desk, action, start):
    visit = booking.book(session, baker.make(Patient), by=front_desk)
    Appointment.objects.update(status=start)
    with pytest.raises(booking.WrongStatus, match="cannot be done"):
        action(visit, by=front_desk)
    visit.refresh_from_db()
    assert visit.status == start


def test_a_late_patient_who_was_written_off_can_still_check_in(session, front_desk):
    visit = booking.book(session, baker.make(Patient), by=front_desk)
    booking.mark_no_show(visit, by=front_desk)
    booking.check_in(visit, by=front_desk)
    assert booking.call_next(session, by=front_desk) == visit


def test_every_step_says_who_took_it(session, three_here, front_desk):
    booking.call_next(session, by=front_desk)
    booking.mark_done(three_here[0], by=front_desk)
    trail = three_here[0].history.values_list("status", "history_user")
    assert list(trail) == [
        (status, front_desk.pk) for status in (Status.DONE, Status.CALLED, Status.CHECKED_IN, Status.BOOKED)
    ]


# -- Another day ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [booking.check_in, booking.mark_no_show, booking.call])
def test_nobody_is_here_today_for_another_day(session, front_desk, monkeypatch, step):
    visit = booking.book(session, baker.make(Patient), by=None)
    monkeypatch.setattr(calling, "today", lambda: session.date - datetime.timedelta(days=1))
    with pytest.raises(booking.AnotherDay, match="still to come"):
        step(visit, by=front_desk)
    with pytest.raises(booking.AnotherDay):
        booking.call_next(session, by=front_desk)


def test_of_a_day_that_is_over_it_is_only_noted_who_came(session, front_desk, monkeypatch):
    visit = booking.book(session, baker.make(Patient), by=None)
    monkeypatch.setattr(calling, "today", lambda: session.date + datetime.timedelta(days=1))
    with pytest.raises(booking.AnotherDay):
        booking.check_in(visit, by=front_desk)
    booking.mark_done(visit, by=front_desk)
    assert visit.status == "done"
