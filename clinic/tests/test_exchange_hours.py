"""Opening hours from a file, as people write them; the sessions follow, and nobody who booked is lost silently."""

import datetime

import pytest
from model_bakery import baker

from clinic import booking
from clinic.models import ClinicSession, OpeningHours, Patient
from clinic.resources import OpeningHoursResource
from clinic.tests.exchanged import problems, take_in

pytestmark = pytest.mark.django_db

COLUMNS = ["weekday", "period", "hours", "capacity"]


def take_hours(*rows, columns=COLUMNS, **kwargs):
    return take_in(OpeningHoursResource, columns, *rows, **kwargs)


@pytest.mark.parametrize("text", ["09:00-12:30", "9:00~12:30", "０９：００～１２：３０", "09:00 – 12:30"])
def test_hours_are_one_column_however_they_are_typed(text):
    assert take_hours(["Monday", "morning", text, "5"]).new == 1
    row = OpeningHours.objects.get()
    assert (row.weekday, row.opens_at, row.closes_at) == (0, datetime.time(9), datetime.time(12, 30))


@pytest.mark.parametrize(
    ("text", "says"),
    [("nine to noon", "like 09:00-12:00"), ("12:00-09:00", "Closing comes after opening"), ("25:00-26:00", "00 to 23")],
)
def test_nonsense_is_refused_with_line_column_value_and_what_to_write(text, says):
    done = take_hours(["Monday", "morning", "09:00-12:00", "5"], ["Tuesday", "morning", text, "5"])
    assert problems(done) == [(3, "hours", text)]
    assert says in done.errors[0].problem
    assert "such as 09:00-12:00" in done.errors[0].remedy
    assert OpeningHours.objects.count() == 0


def test_weekday_and_period_find_the_row_and_missing_columns_stay(hours):
    assert take_hours(["monday", "Morning", "7"], columns=["weekday", "period", "capacity"]).updated == 1
    row = OpeningHours.objects.get(weekday=0, period="morning")
    assert (row.capacity, row.opens_at, row.is_open) == (7, datetime.time(9), True)
    assert OpeningHours.objects.count() == 14


def test_too_many_places_are_refused_as_in_the_form():
    assert problems(take_hours(["Monday", "morning", "09:00-12:00", "1001"])) == [(2, "capacity", "1001")]


def test_sessions_follow_and_bookings_without_a_place_are_told_before_and_after(session, administrator):
    for _ in range(2):
        booking.book(session, baker.make(Patient, national_id=""), by=None)
    row = [str(session.date.weekday()), "morning", "08:00-12:00", "1"]
    preview = take_hours([session.date.strftime("%A"), *row[1:]], dry_run=True)
    session.refresh_from_db()
    assert (session.capacity, OpeningHours.objects.filter(capacity=1).count()) == (3, 0)

    done = take_hours(row, by=administrator)
    session.refresh_from_db()
    assert (session.capacity, session.opens_at) == (1, datetime.time(8))
    assert preview.notes == done.notes
    assert f"{session} (2)" in done.notes[0]
    assert ClinicSession.objects.get().booked == 2
