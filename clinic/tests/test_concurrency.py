"""What must not happen twice, with real processes, on SQLite and on PostgreSQL."""

import json

import pytest

pytestmark = pytest.mark.slow


def rush(installation, what: str):
    return json.loads(installation.python(f"from clinic.tests import rush; rush.{what}"))


def test_forty_processes_buy_exactly_the_last_ten_places(installation):
    sold = rush(installation, "sell(places=10, processes=40)")
    numbers = [answer for answer in sold["answers"] if isinstance(answer, int)]
    assert sorted(numbers) == list(range(1, 11))
    assert sold["answers"].count("SessionFull") == 30
    assert sold["booked"] == sold["rows"] == 10


def test_one_person_in_ten_windows_books_once_and_is_one_patient(installation):
    sold = rush(installation, "same_person(processes=10)")
    assert sorted(map(str, sold["answers"])) == ["1"] + ["AlreadyBooked"] * 9
    assert (sold["patients"], sold["rows"]) == (1, 1)


def test_desks_that_call_at_once_never_call_the_same_person(installation):
    called = rush(installation, "call(waiting=20, desks=4)")
    assert sorted(number for desk in called for number in desk) == list(range(1, 21))


def test_workers_that_remind_at_once_write_to_each_patient_once(installation):
    did = rush(installation, "remind(booked=20, workers=4)")
    assert sum(did["reminded"]) == did["mails"] == 20


def test_processes_that_book_from_one_address_share_one_limit(installation):
    installation.environment["BOOKING_RATE_LIMIT"] = "30"
    assert sum(rush(installation, "knock(processes=8, times=10)")) == 30


@pytest.mark.parametrize("of", ["openinghours", "clinicsession"])
def test_of_two_who_type_overlapping_hours_at_once_the_later_is_refused(installation, of):
    command = f"from clinic.tests import rush_forms; rush_forms.type_overlapping_hours(rounds=5, of='{of}')"
    assert json.loads(installation.python(command)) == [[[200, 302], 1]] * 5


def test_nobody_books_a_time_by_hours_that_somebody_is_about_to_take_away(installation):
    told = rush(installation, "close_a_day_that_somebody_begins_to_book()")
    assert told == {"answers": ["SessionClosed", "closed"], "booked": 0}


@pytest.mark.parametrize("how", ["a closure", "its hours", "hand"])
def test_a_day_that_closes_while_people_book_and_cancel_loses_nobody(installation, how):
    """And nobody waits for each other in a circle: that would be an OperationalError among the answers."""
    told = rush(installation, f"close_a_booked_day(people=6, how='{how}')")
    numbers = [answer for answer in told["answers"] if isinstance(answer, int)]
    allowed = {"closed", "WrongStatus", "SessionClosed", None}  # moved before they cancelled, they may still cancel
    assert set(told["answers"]) - set(numbers) <= allowed
    cancelled = told["answers"].count(None)
    assert (told["is_open"], told["left"]) == (False, 0)
    assert told["moved"] == 6 - cancelled + len(numbers)
    installation.manage("check_integrity")
