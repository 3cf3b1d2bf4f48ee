"""The public board: numbers, never names."""

import datetime

import pytest
from django.utils import timezone
from model_bakery import baker

from clinic import booking
from clinic.models import Appointment, Patient, Period
from clinic.public.board import ON_THE_WAY, board

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("on_the_day")]


@pytest.fixture
def at(tomorrow):
    """A moment of tomorrow, on the clinic's clock."""
    return lambda hour: timezone.make_aware(datetime.datetime.combine(tomorrow, datetime.time(hour)))


@pytest.fixture
def here(session, front_desk):
    visits = [booking.book(session, baker.make(Patient, full_name=f"Name {n}"), by=front_desk) for n in range(3)]
    for visit in visits:
        booking.check_in(visit, by=front_desk)
    return visits


def test_it_shows_who_is_served_who_is_next_and_who_may_still_come(session, here, front_desk, at):
    assert board(at(10)).upcoming == [1, 2, 3]
    booking.call_next(session, by=front_desk)
    booking.skip(session, by=front_desk)
    shown = board(at(10))
    assert shown.session.current_number == 2
    assert (shown.upcoming, shown.may_still_come) == ([3], [1])


def test_a_number_that_another_desk_called_over_stays_for_a_moment(session, here, front_desk, at):
    booking.call_next(session, by=front_desk)
    booking.call_next(session, by=front_desk)
    Appointment.objects.filter(queue_number=1).update(called_at=at(10))
    assert board(at(10)).may_still_come == [1]
    assert board(at(10) + ON_THE_WAY).may_still_come == []


def test_it_shows_the_session_that_started_last_or_the_first_to_come(session, afternoon, here, at):
    periods = [board(at(hour)).session.period for hour in (7, 10, 13, 15)]
    assert periods == [Period.MORNING, Period.MORNING, Period.MORNING, Period.AFTERNOON]


def test_it_closes_when_the_last_session_is_over_and_nobody_waits(session, here, at):
    assert board(at(13)) is not None
    Appointment.objects.update(status=Appointment.Status.DONE)
    assert board(at(13)) is None


def test_hidden_appointments_are_on_no_board(session, here, front_desk, at):
    Appointment.objects.filter(queue_number=1).hide(by=front_desk)
    assert board(at(10)).upcoming == [2, 3]


def test_the_page_shows_numbers_and_never_names(client, session, here, front_desk, at, monkeypatch):
    booking.call_next(session, by=front_desk)
    monkeypatch.setattr("clinic.public.board.timezone.now", lambda: at(10))
    page = client.get("/now/")
    assert b'data-now-serving="1"' in page.content
    assert b"Name" not in page.content


def test_a_poll_brings_the_board_alone(client, db):
    assert b"<html" in client.get("/now/").content
    poll = client.get("/now/", headers={"HX-Request": "true"})
    assert b"<html" not in poll.content
    assert b"No numbers are called" in poll.content
    assert "no-store" in poll["Cache-Control"]


def test_a_poll_costs_three_queries(session, here, at, django_assert_num_queries):
    with django_assert_num_queries(3):
        board(at(10))
