"""Taking, giving back and moving places: clinic/booking.py through its functions."""

import datetime

import pytest
from django.db import IntegrityError
from model_bakery import baker

from clinic import booking
from clinic.models import (
    Appointment,
    ClinicSession,
    Closure,
    LikertQuestion,
    NumericQuestion,
    OpeningHours,
    Patient,
    Symptom,
)

pytestmark = pytest.mark.django_db
Status = Appointment.Status
MONDAY = datetime.date(2099, 11, 23)


@pytest.fixture
def hours():
    return baker.make(
        OpeningHours, weekday=0, period="morning", opens_at=datetime.time(9), closes_at=datetime.time(12), capacity=2
    )


@pytest.fixture
def session(hours):
    return booking.session_for(MONDAY, "morning")


def patients(n):
    return baker.make(Patient, n)


def booked(session):
    session.refresh_from_db()
    return session.booked


def test_it_gives_numbers_in_turn_until_the_session_is_full(session):
    anna, ben, carl = patients(3)
    assert [booking.book(session, person, by=None).queue_number for person in (anna, ben)] == [1, 2]
    with pytest.raises(booking.SessionFull):
        booking.book(session, carl, by=None)
    assert booked(session) == 2
    assert Appointment.objects.count() == 2
