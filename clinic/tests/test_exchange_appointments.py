"""Appointments from a file: booked where they are new, kept where they have a reference; the counters stay right."""

import datetime
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from model_bakery import baker

from backoffice.exchange.exporting import stream_csv
from backoffice.exchange.importing import run_import
from backoffice.exchange.reading import read_table
from backoffice.models import Mail
from clinic.booking import book, session_for
from clinic.models import (
    Appointment,
    ClinicSession,
    IntakeRecord,
    LikertAnswer,
    LikertQuestion,
    NumericQuestion,
    Patient,
    Symptom,
    new_reference,
)
from clinic.resources import AppointmentResource
from clinic.tests.exchanged import problems, take_in
from clinic.upkeep import numbers_are_ahead, places_are_counted, states_do_not_contradict

pytestmark = pytest.mark.django_db

NEW = ["patient_national_id", "date", "period"]
RECORD = ["reference", "patient_national_id", "date", "period", "queue_number", "status"]


@pytest.fixture(autouse=True)
def _sound():
    """Whatever a test did, the clinic's data agrees with itself."""
    yield
    for check in (places_are_counted, numbers_are_ahead, states_do_not_contradict):
        assert list(check()) == []


@pytest.fixture
def mei_ling():
    return baker.make(Patient, full_name="Lin Mei-ling", date_of_birth="1984-05-02", national_id="A123456789")


@pytest.fixture
def ming():
    return baker.make(Patient, full_name="王小明", date_of_birth="1990-01-31", national_id="")


def take_visits(*rows, columns=RECORD, **kwargs):
    return take_in(AppointmentResource, columns, *rows, **kwargs)


# -- New ones ---------------------------------------------------------------------------------------------------------


def test_one_without_a_reference_is_booked_with_the_next_number(session, mei_ling, administrator):
    book(session, baker.make(Patient, national_id=""), by=None)
    done = take_visits(["A123456789", session.date, "morning"], columns=NEW, by=administrator)
    assert done.new == 1
    booked = Appointment.objects.get(patient=mei_ling)
    assert (booked.queue_number, booked.source, booked.status) == (2, "imported", "booked")
    assert booked.history.last().history_user == administrator
    assert "1 appointment is booked anew" in done.notes[0]


def test_a_full_session_takes_no_more(session, mei_ling):
    for _ in range(3):
        book(session, baker.make(Patient, national_id=""), by=None)
    done = take_visits(["A123456789", session.date, "morning"], columns=NEW, dry_run=True)
    assert problems(done) == [(2, "date", str(session.date))]
    assert "full" in done.errors[0].problem


def test_a_day_without_hours_takes_none(hours, tomorrow, mei_ling):
    done = take_visits(["A123456789", tomorrow, "evening"], columns=NEW)
    assert "cannot be booked" in done.errors[0].problem
    assert not ClinicSession.objects.exists()


def test_a_preview_books_nothing(session, mei_ling):
    assert take_visits(["A123456789", session.date, "morning"], columns=NEW, dry_run=True).new == 1
    session.refresh_from_db()
    assert (Appointment.objects.count(), session.booked, session.last_number) == (0, 0, 0)


def test_who_is_not_on_file_is_refused(session):
    done = take_visits(["A123456789", session.date, "morning"], columns=NEW)
    assert problems(done) == [(2, "patient_national_id", "A123456789")]
    assert "Import the patients first" in done.errors[0].problem


@pytest.mark.parametrize(("column", "day", "period"), [("date", "", "morning"), ("period", "2026-11-23", "")])
def test_an_empty_day_or_period_is_told_by_its_column(mei_ling, column, day, period):
    done = take_visits(["A123456789", day, period], columns=NEW)
    assert problems(done) == [(2, column, "")]


def test_name_and_date_of_birth_find_a_patient_without_an_id(session, ming):
    columns = ["patient_full_name", "patient_date_of_birth", "date", "period"]
    assert take_visits(["王小明", "1990-01-31", session.date, "morning"], columns=columns).new == 1
    assert Appointment.objects.get().patient == ming


# -- Those on record --------------------------------------------------------------------------------------------------


def test_one_with_a_reference_keeps_its_number_even_beyond_the_places_and_that_is_said(session, mei_ling, ming):
    ClinicSession.objects.update(capacity=1)
    rows = [
        [new_reference(), "A123456789", session.date, "morning", "7", "booked", "", ""],
        [new_reference(), "", session.date, "morning", "9", "booked", "王小明", "1990-01-31"],
    ]
    done = take_visits(*rows, columns=[*RECORD, "patient_full_name", "patient_date_of_birth"])
    assert done.new == 2, done.errors
    session.refresh_from_db()
    assert (session.booked, session.last_number, session.overbooked) == (2, 9, 1)
    assert "(2/1)" in done.notes[0]


def test_a_day_that_the_hours_never_offered_gets_a_session_that_nobody_can_book(mei_ling):
    done = take_visits([new_reference(), "A123456789", "2020-02-29", "morning", "3", "done"])
    assert done.new == 1, done.errors
    session = ClinicSession.objects.get()
    assert (session.is_open, session.capacity, session.booked, session.last_number) == (False, 1, 1, 3)


def test_a_row_that_is_left_out_leaves_no_session_behind(session, mei_ling):
    kept = [new_reference(), "A123456789", session.date, "morning", "", ""]
    left_out = [new_reference(), "B100000002", "2020-02-29", "evening", "3", "done"]
    done = take_visits(kept, left_out, skip_invalid=True)
    assert (done.new, done.refused) == (1, 1)
    assert ClinicSession.objects.get() == session
    assert not ClinicSession.history.filter(date="2020-02-29").exists()


def test_a_status_can_be_set_and_the_places_follow(session, mei_ling, administrator):
    booked = book(session, mei_ling, by=None)
    done = take_visits([booked.reference, "cancelled"], columns=["reference", "status"], by=administrator)
    assert done.updated == 1, done.errors
    session.refresh_from_db()
    assert session.booked == 0
    assert booked.history.first().history_change_reason == "Imported from table.csv"


def test_a_preview_names_each_changed_visit_and_asks_no_more_for_many(session):
    ClinicSession.objects.update(capacity=60)
    visits = [book(session, baker.make(Patient, national_id=""), by=None) for _ in range(41)]

    def preview(rows):
        with CaptureQueriesContext(connection) as asked:
            done = take_visits(*([row.reference, "came by train"] for row in rows), columns=["reference", "notes"])
        return [row.record for row in done.preview], len(asked)

    preview([visits[0]])  # what is read once
    _names, for_one = preview(visits[1:2])
    names, for_many = preview(visits[2:])
    assert names == [str(visit) for visit in visits[2:]]
    assert for_many == for_one


@pytest.mark.parametrize("column", ["date", "period", "queue_number", "patient_national_id"])
def test_an_import_moves_nobody(session, mei_ling, tomorrow, column):
    other = baker.make(Patient, national_id="B100000002")
    booked = book(session, mei_ling, by=None)
    another = {
        "date": tomorrow + datetime.timedelta(days=1),
        "period": "afternoon",
        "queue_number": 5,
        "patient_national_id": other.national_id,
    }[column]
    done = take_visits([booked.reference, another], columns=["reference", column])
    assert problems(done) == [(2, column, str(another))]
    booked.refresh_from_db()
    assert (booked.session, booked.queue_number, booked.patient) == (session, 1, mei_ling)


def test_a_number_or_a_second_visit_that_is_taken_is_refused(session, mei_ling, ming):
    book(session, mei_ling, by=None)
    again = [new_reference(), "A123456789", session.date, "morning", "2", "booked", "", ""]
    taken = [new_reference(), "", session.date, "morning", "1", "booked", "王小明", "1990-01-31"]
    done = take_visits(again, taken, columns=[*RECORD, "patient_full_name", "patient_date_of_birth"])
    assert problems(done) == [(2, "date", str(session.date)), (3, "queue_number", "1")]


def test_a_reference_that_can_be_guessed_is_refused(session, mei_ling):
    done = take_visits(["1001", "A123456789", session.date, "morning", "", ""])
    assert problems(done) == [(2, "reference", "1001")]


def test_what_has_not_happened_yet_is_refused(session, mei_ling):
    done = take_visits([new_reference(), "A123456789", session.date, "morning", "", "done"])
    assert problems(done) == [(2, "status", "done")]


@pytest.mark.parametrize("status", ["checked_in", "called"])
@pytest.mark.parametrize(("days", "told"), [(-1, "This day is over"), (1, "This day is still to come")])
def test_nobody_is_checked_in_or_called_for_another_day(hours, mei_ling, status, days, told):
    day = timezone.localdate() + datetime.timedelta(days=days)
    visit = book(session_for(day, "morning"), mei_ling, by=None)
    when = timezone.now().isoformat()
    anew = take_visits(["A123456789", day, "afternoon", status, when], columns=[*NEW, "status", "called_at"])
    on_file = take_visits([visit.reference, status, when], columns=["reference", "status", "called_at"])
    assert [problems(done) for done in (anew, on_file)] == [[(2, "status", status)]] * 2
    assert all(told in done.errors[0].problem for done in (anew, on_file))


def test_what_is_on_record_of_a_day_that_is_over_stays_as_it_was(hours, mei_ling):
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    row = [new_reference(), "A123456789", yesterday, "morning", "4", "checked_in"]
    assert take_visits(row).new == 1
    assert take_visits([row[0], "still here"], columns=["reference", "notes"]).updated == 1


# -- What was given with a booking, and its mails ----------------------------------------------------------------------


def test_what_was_given_with_a_booking_comes_along_and_marks_it_to_be_checked(session, mei_ling, ming):
    columns = [*RECORD, "claimed_full_name", "claimed_date_of_birth", "claimed_email"]
    of = [session.date, "morning", "", ""]
    rows = [
        [new_reference(), "A123456789", *of, "林美玲", "1984/5/3", ""],
        [new_reference(), "B100000002", *of, "", "", "ming@example.org"],
    ]
    baker.make(Patient, national_id="B100000002")
    assert take_visits(*rows, columns=columns).new == 2
    first, second = Appointment.objects.order_by("pk")
    assert (first.claimed, first.identity_conflict) == (
        {"full_name": "林美玲", "date_of_birth": "1984-05-03"},
        True,
    )
    assert (second.claimed, second.identity_conflict) == ({"email": "ming@example.org"}, False)

    assert take_visits(*rows, columns=columns).unchanged == 2
    assert take_visits([first.reference, ""], columns=["reference", "claimed_full_name"]).updated == 1
    first.refresh_from_db()
    assert first.claimed == {"date_of_birth": "1984-05-03"}


def test_a_doubt_that_is_settled_stays_settled(session, mei_ling):
    columns = [*RECORD, "identity_conflict", "claimed_full_name"]
    row = [new_reference(), "A123456789", session.date, "morning", "", "", "no", "林美玲"]
    assert take_visits(row, columns=columns).new == 1
    assert Appointment.objects.get().identity_conflict is False


@pytest.mark.parametrize(
    ("column", "value"),
    [("claimed_email", "nobody"), ("claimed_sex", "x"), ("claimed_date_of_birth", "May"), ("language", "Latin")],
)
def test_what_nobody_can_have_given_is_refused_with_what_to_write(session, mei_ling, column, value):
    done = take_visits(["A123456789", session.date, "morning", value], columns=[*NEW, column])
    assert problems(done) == [(2, column, value)]
    assert done.errors[0].remedy


def test_who_is_booked_is_written_to_at_the_address_and_in_the_language_of_the_file(session, mei_ling):
    row = ["A123456789", session.date, "morning", "lin@example.org", "繁體中文", "2026-01-02 03:04"]
    done = take_visits(row, columns=[*NEW, "claimed_email", "language", "reminded_at"])
    assert done.new == 1, done.errors
    booked = Appointment.objects.get()
    assert (booked.language, booked.reminded_at.year) == ("zh-hant", 2026)
    assert Mail.objects.get().to == "lin@example.org"


# -- Symptoms and answers ---------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_symptoms_and_answers_come_along_into_history_and_intake(session, mei_ling):
    for name in ("cough", "fever, high"):
        baker.make(Symptom, name=name)
    baker.make(LikertQuestion, text="Sleep?")
    baker.make(NumericQuestion, text="Cigarettes?", minimum=0, maximum=100)
    reference = new_reference()
    columns = [*RECORD, "symptoms", "Sleep?", "Cigarettes?"]
    row = [reference, "A123456789", session.date, "morning", "", "", 'cough, "fever, high"', "4", "2.5"]
    assert take_visits(row, columns=columns).new == 1
    booked = Appointment.objects.get()
    assert booked.history.get().symptoms.count() == 2
    answer = LikertAnswer.objects.get()
    assert (answer.score, answer.asked_as, answer.history.get().history_type) == (4, "Sleep?", "+")
    assert IntakeRecord.objects.get().symptoms == "cough, fever, high"

    assert take_visits(row, columns=columns).unchanged == 1
    assert take_visits([*row[:-3], "cough", "5", ""], columns=columns).updated == 1
    assert sorted(IntakeRecord.objects.get().answers.values()) == [2.5, 5]
    assert [symptom.name for symptom in booked.symptoms.all()] == ["cough"]


@pytest.mark.parametrize(("likert", "numeric"), [("8", "1"), ("x", "1"), ("1", "101"), ("1", "much")])
def test_answers_that_the_question_does_not_allow_are_refused(session, mei_ling, likert, numeric):
    baker.make(LikertQuestion, text="Sleep?", min_label="badly", max_label="well")
    baker.make(NumericQuestion, text="Cigarettes?", minimum=0, maximum=100)
    row = ["A123456789", session.date, "morning", likert, numeric]
    done = take_visits(row, columns=[*NEW, "Sleep?", "Cigarettes?"])
    wrong = ("Cigarettes?", numeric) if likert == "1" else ("Sleep?", likert)
    assert problems(done) == [(2, *wrong)]
    bounds = "from 0 to 100" if likert == "1" else "From 1 (badly) to 7 (well)"
    assert bounds in done.errors[0].remedy


def test_the_examples_in_the_columns_are_answers_that_would_be_taken(session, mei_ling):
    baker.make(LikertQuestion, text="Sleep?")
    baker.make(NumericQuestion, text="Temperature?", minimum=34, maximum=43)
    examples = {column.name: column.example for column in AppointmentResource().columns()}
    row = ["A123456789", session.date, "morning", examples["Sleep?"], examples["Temperature?"]]
    assert take_visits(row, columns=[*NEW, "Sleep?", "Temperature?"]).new == 1


def test_a_booked_row_brings_its_answers(session, mei_ling):
    baker.make(LikertQuestion, text="Sleep?")
    assert take_visits(["A123456789", session.date, "morning", "6"], columns=[*NEW, "Sleep?"]).new == 1
    assert LikertAnswer.objects.get().score == 6


def test_a_past_visit_without_a_reference_may_be_done(hours, mei_ling):
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    assert take_visits(["A123456789", yesterday, "morning", "done"], columns=[*NEW, "status"]).new == 1
    assert Appointment.objects.get().status == "done"


# -- Questions that are worded alike ----------------------------------------------------------------------------------


def test_two_questions_of_one_wording_each_keep_their_column(session, mei_ling, administrator):
    scale = baker.make(LikertQuestion, text="How many?")
    number = baker.make(NumericQuestion, text="How many?", minimum=None, maximum=None)
    called = baker.make(NumericQuestion, text="Called at", minimum=None, maximum=None)
    visit = book(session, mei_ling, by=None, likert={scale: 4}, numeric={number: 1, called: 2})
    columns = ["reference", "How many?", "How many? (2)", "Called at (2)"]
    assert take_visits([visit.reference, "6", "7", "8"], columns=columns).updated == 1
    assert visit.likert_answers.get(question=scale).score == 6
    answered = {answer.question: answer.value for answer in visit.numeric_answers.select_related("question")}
    assert answered == {number: 7, called: 8}

    own = b"".join(stream_csv(AppointmentResource(), Appointment.objects.all(), "table"))
    done = run_import(AppointmentResource(), read_table(io.BytesIO(own), "t.csv"), by=administrator, dry_run=False)
    assert (done.errors, done.unchanged) == ([], 1)
