"""Opening hours from a file, as people write them; the sessions follow, and nobody who booked is lost silently."""

import datetime

import pytest
from model_bakery import baker

from clinic import booking
from clinic.models import OpeningHours, Patient
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


def test_sessions_follow(session, administrator):
    booking.book(session, baker.make(Patient, national_id=""), by=None)
    row = [session.date.strftime("%A"), "morning", "08:00-12:00", "1"]
    take_hours(row, dry_run=True)
    session.refresh_from_db()
    assert (session.capacity, OpeningHours.objects.filter(capacity=1).count()) == (3, 0)
    take_hours(row, by=administrator)
    session.refresh_from_db()
    assert (session.capacity, session.opens_at, session.booked) == (1, datetime.time(8), 1)


@pytest.mark.parametrize(
    ("what", "numbers"),
    [("08:00-12:00,1,yes", [2]), ("10:00-12:00,3,yes", [1, 2]), ("09:00-12:00,3,no", [1, 2])],
)
def test_a_line_that_takes_away_what_people_have_booked_is_refused_with_who_they_are(session, what, numbers):
    people = {number: baker.make(Patient, national_id="") for number in (1, 2)}
    for patient in people.values():
        booking.book(session, patient, by=None)
    weekday = session.date.strftime("%A")
    other = [(session.date + datetime.timedelta(days=1)).strftime("%A"), "morning", "09:00-12:00", "9", "yes"]
    rows = [[weekday, "morning", *what.split(",")], other]
    checked = take_hours(*rows, columns=[*COLUMNS, "is_open"], dry_run=True)
    assert problems(checked) == [(2, "weekday, period", f"{weekday}, morning")]
    told = ", ".join(f"{number} {people[number].full_name}" for number in numbers)
    assert f"takes away: {session}: {told}. Change these hours on their own page" in checked.errors[0].problem

    take_hours(*rows, columns=[*COLUMNS, "is_open"], skip_invalid=True)
    assert OpeningHours.objects.get(capacity=9).period == "morning"
    session.refresh_from_db()
    assert (session.is_open, session.capacity, session.booked) == (True, 3, 2)


@pytest.mark.parametrize("skip_invalid", [False, True])
def test_two_lines_whose_periods_would_share_an_hour_keep_each_other_out(skip_invalid):
    morning, afternoon = ["Monday", "morning", "09:00-12:00", "5"], ["Monday", "afternoon", "11:30-15:00", "5"]
    done = take_hours(morning, afternoon, ["Tuesday", *morning[1:]], skip_invalid=skip_invalid)
    assert problems(done) == [(2, "hours", "09:00-12:00"), (3, "hours", "11:30-15:00")]
    assert "overlaps with Monday afternoon" in done.errors[0].problem
    assert (done.is_whole, done.written, OpeningHours.objects.count()) == (False, False, 0)


def test_a_line_that_would_share_an_hour_with_what_is_on_file_is_refused(hours):
    done = take_hours(["Monday", "evening", "16:00-20:00", "5"])
    assert problems(done) == [(2, "hours", "16:00-20:00")]
    assert OpeningHours.objects.count() == len(hours)


def test_one_line_makes_room_for_another(hours):
    assert (
        take_hours(["Monday", "afternoon", "11:00-15:00", "3"], ["Monday", "morning", "09:00-11:00", "3"]).updated == 2
    )
