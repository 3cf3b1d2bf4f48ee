"""National IDs, and a booking made with one that is on file."""

import datetime

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from model_bakery import baker

from clinic import booking
from clinic.identity import LETTER_VALUES, normalise_national_id, taiwan_national_id, validate_national_id
from clinic.models import Patient


def is_valid(value: str) -> bool:
    try:
        taiwan_national_id(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("value", ["A123456789", "B123456780", "F131104093"])
def test_it_accepts_a_number_that_adds_up(value):
    taiwan_national_id(value)


@pytest.mark.parametrize(
    "value", ["", "A12345678", "A1234567890", "1123456789", "a123456789", "A12345678９", "A123456789\n"]
)
def test_it_refuses_another_form(value):
    with pytest.raises(ValidationError, match="one letter and nine digits"):
        taiwan_national_id(value)


@given(st.sampled_from(sorted(LETTER_VALUES)), st.from_regex(r"\A[0-9]{8}\Z"))
def test_exactly_one_of_ten_check_digits_is_right(letter, digits):
    assert sum(is_valid(f"{letter}{digits}{check}") for check in range(10)) == 1


@given(st.integers(1, 8), st.integers(1, 9))
def test_one_wrong_digit_is_noticed_unless_its_weight_hides_it(position, slip):
    right = "A123456789"
    wrong = right[:position] + str((int(right[position]) + slip) % 10) + right[position + 1 :]
    # The rule's own weakness: its weights 8, 6, 5, 4 and 2 share a factor with ten.
    assert is_valid(wrong) == ((9 - position) * slip % 10 == 0)


def test_it_reads_what_people_type():
    assert normalise_national_id(" ａ123 456-789 ") == "A123456789"
    assert normalise_national_id("a123\u200b456–789") == "A123456789"


def test_another_clinic_can_bring_its_own_rule(settings):
    settings.NATIONAL_ID_RULE = "django.core.validators.validate_slug"
    validate_national_id("any-slug")


DETAILS = {
    "full_name": "Lin Mei-ling",
    "date_of_birth": datetime.date(1984, 5, 2),
    "sex": "female",
    "national_id": "A123456789",
    "phone": "0912345678",
    "email": "",
}


@pytest.fixture
def on_file(db):
    return baker.make(Patient, **DETAILS | {"phone": "02 1234 5678", "email": "lin@example.org"})


def test_a_public_booking_finds_the_patient_and_never_changes_the_file(session, on_file):
    visit = booking.book_publicly(session, DETAILS)
    before = on_file.updated_at
    on_file.refresh_from_db()
    assert visit.patient == on_file
    assert (on_file.phone, on_file.email, on_file.updated_at) == ("02 1234 5678", "lin@example.org", before)
    assert on_file.history.count() == 1
    assert visit.identity_conflict is False
    assert visit.claimed == {"phone": "0912345678"}


@pytest.mark.parametrize(
    ("given", "claimed"),
    [
        ({"full_name": "Lin Da-ming"}, {"full_name": "Lin Da-ming"}),
        ({"date_of_birth": datetime.date(1994, 5, 2)}, {"date_of_birth": "1994-05-02"}),
    ],
)
def test_another_name_or_date_of_birth_is_kept_for_the_desk_to_check(session, on_file, given, claimed):
    visit = booking.book_publicly(session, DETAILS | {"phone": on_file.phone} | given)
    assert visit.identity_conflict is True
    assert visit.claimed == claimed


def test_spelling_in_capitals_is_no_conflict(session, on_file):
    visit = booking.book_publicly(session, DETAILS | {"full_name": "LIN  MEI-LING", "phone": ""})
    assert (visit.identity_conflict, visit.claimed) == (False, {})


def test_a_hidden_file_is_not_found_and_a_new_one_is_made(session, on_file, front_desk):
    Patient.objects.all().hide(by=front_desk, reason="twice on file")
    visit = booking.book_publicly(session, DETAILS)
    assert visit.patient != on_file
    assert Patient.objects.visible().get() == visit.patient


def test_the_public_cannot_book_what_is_over(session):
    session.date -= datetime.timedelta(days=2)
    with pytest.raises(booking.SessionClosed):
        booking.book_publicly(session, DETAILS)
    assert not Patient.objects.exists()
