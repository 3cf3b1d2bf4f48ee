import datetime

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from model_bakery import baker

from clinic import booking
from clinic.intake import sync
from clinic.models import ClinicSession, IntakeRecord, LikertAnswer, LikertQuestion, NumericQuestion, Patient, Symptom

pytestmark = pytest.mark.django_db(transaction=True)


def note_and_fail(appointment) -> None:
    with transaction.atomic():
        sync.note(appointment.pk)
        raise ArithmeticError


@pytest.fixture
def session():
    return ClinicSession.objects.create(
        date=datetime.date(2030, 5, 6),
        period="morning",
        opens_at=datetime.time(9),
        closes_at=datetime.time(12),
        capacity=10,
    )


@pytest.fixture
def patient():
    return baker.make(Patient, full_name="Chen Wei-Ting", date_of_birth=datetime.date(1990, 5, 7), national_id="")


@pytest.fixture
def appointment(session, patient):
    return booking.book(session, patient, by=None)


def record_of(appointment) -> IntakeRecord:
    return IntakeRecord.objects.get(appointment=appointment)


def test_a_booking_leaves_a_record_with_everything_on_it(session, patient):
    cough, fever = baker.make(Symptom, name="Cough", position=2), baker.make(Symptom, name="Fever", position=1)
    sleep, smokes = baker.make(LikertQuestion), baker.make(NumericQuestion, minimum=None, maximum=None)
    appointment = booking.book(
        session, patient, by=None, symptoms=[cough, fever], likert={sleep: 5}, numeric={smokes: "2.50"}
    )
    record = record_of(appointment)
    assert record.patient == patient
    assert (record.date, record.period) == (session.date, "morning")
    assert record.age == 39  # a day before the fortieth birthday
    assert record.symptoms == "Fever, Cough"
    assert record.answers == {f"likert_{sleep.pk}": 5, f"numeric_{smokes.pk}": 2.5}


def test_it_follows_answers_symptoms_and_the_patient(appointment):
    answer = LikertAnswer.objects.create(appointment=appointment, question=baker.make(LikertQuestion), score=3)
    assert record_of(appointment).answers == {f"likert_{answer.question_id}": 3}
    answer.score = 4
    answer.save()
    assert record_of(appointment).answers == {f"likert_{answer.question_id}": 4}
    answer.delete()
    assert record_of(appointment).answers == {}

    cough = baker.make(Symptom, name="Cough")
    cough.appointments.add(appointment)
    assert record_of(appointment).symptoms == "Cough"
    cough.name = "Dry cough"
    cough.save()
    assert record_of(appointment).symptoms == "Dry cough"
    cough.appointments.clear()
    assert record_of(appointment).symptoms == ""

    appointment.patient.date_of_birth = datetime.date(1950, 1, 1)
    appointment.patient.save()
    assert record_of(appointment).age == 80


def test_a_hidden_appointment_has_no_record_until_it_is_back(appointment, front_desk):
    query = type(appointment).objects.filter(pk=appointment.pk)
    query.hide(by=front_desk)
    assert not IntakeRecord.objects.exists()
    query.restore(by=front_desk)
    assert record_of(appointment)


def test_moving_moves_the_record(appointment):
    other = ClinicSession.objects.create(
        date=datetime.date(2030, 5, 9),
        period="evening",
        opens_at=datetime.time(18),
        closes_at=datetime.time(21),
        capacity=1,
    )
    booking.move(appointment, other, by=None)
    assert (record_of(appointment).date, record_of(appointment).period) == (other.date, "evening")


def writes(queries) -> int:
    return sum('INSERT INTO "clinic_intakerecord"' in query["sql"] for query in queries)


def test_many_changes_in_one_transaction_rebuild_once(session):
    patients = baker.make(Patient, national_id="", _quantity=3)
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        for patient in patients:
            appointment = booking.book(session, patient, by=None)
            appointment.symptoms.set(baker.make(Symptom, _quantity=2))
            appointment.save()
        assert not IntakeRecord.objects.exists()
    assert IntakeRecord.objects.count() == 3
    assert writes(queries) == 1


def test_a_savepoint_that_is_rolled_back_takes_nothing_else_with_it(appointment):
    IntakeRecord.objects.all().delete()
    with transaction.atomic():
        with pytest.raises(ArithmeticError):
            note_and_fail(appointment)
        sync.note(appointment.pk)
    assert record_of(appointment)


def test_a_transaction_that_is_rolled_back_rebuilds_nothing(appointment):
    IntakeRecord.objects.all().delete()
    with pytest.raises(ArithmeticError):
        note_and_fail(appointment)
    assert not IntakeRecord.objects.exists()


def test_rebuilding_makes_right_whatever_was_wrong(appointment, front_desk):
    IntakeRecord.objects.update(age=3, symptoms="nonsense")
    assert sync.rebuild([appointment.pk, 10**6]) == 1
    assert record_of(appointment).symptoms == ""
    assert record_of(appointment).age == 39


def test_rebuilding_takes_as_many_queries_for_ten_as_for_two(session):
    ids = [booking.book(session, p, by=None).pk for p in baker.make(Patient, national_id="", _quantity=2)]
    with CaptureQueriesContext(connection) as few:
        sync.rebuild(ids)
    ids += [booking.book(session, p, by=None).pk for p in baker.make(Patient, national_id="", _quantity=8)]
    with CaptureQueriesContext(connection) as many:
        sync.rebuild(ids)
    assert len(many) == len(few)
