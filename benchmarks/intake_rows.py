"""Fills an empty clinic with visits that look real enough to sort: one INSERT … SELECT per table, no Python per row."""

import datetime

from django.db import connection
from django.db.models import Model
from filling import insert, unchecked_foreign_keys

from clinic.models import (
    Appointment,
    ClinicSession,
    IntakeRecord,
    LikertAnswer,
    LikertQuestion,
    NumericAnswer,
    NumericQuestion,
    Patient,
    Period,
    Symptom,
)

SCALES, NUMBERS = 8, 4
SYMPTOMS = ["Cough", "Fever", "Fatigue", "Headache"]
VISITS_PER_SESSION = 40
VISITS_PER_PATIENT = 10
FIRST_DAY = datetime.date(2000, 1, 1)


def fill(rows: int) -> None:
    """Add `rows` appointments with a symptom and the answers to twelve questions, each left out one time in twenty, and
    the intake record of each (in which only the age is made up)."""
    _write_what_is_asked()
    _write_sessions(rows)
    insert(
        Patient,
        rows // VISITS_PER_PATIENT,
        id="i",
        full_name="'Patient ' || (i * 7919 % 100003)",
        date_of_birth="'1970-01-01'",
        sex="'other'",
    )
    with unchecked_foreign_keys():
        insert(
            Appointment,
            rows,
            id="i",
            patient_id=_patient(rows),
            session_id=SESSION,
            queue_number=NUMBER,
            status="'done'",
            source="'public'",
            reference="'benchmark-' || i",
        )
        insert(Appointment.symptoms.through, rows, appointment_id="i", symptom_id=SYMPTOM)
        for question in range(1, SCALES + 1):
            _insert_answers(LikertAnswer, rows, question, score=_score(question))
        for question in range(1, NUMBERS + 1):
            _insert_answers(NumericAnswer, rows, question, value=_value(question))
        _write_records(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


SESSION = f"1 + (i - 1) / {VISITS_PER_SESSION}"
SYMPTOM = f"1 + i * 13 % {len(SYMPTOMS)}"
NUMBER = f"1 + (i - 1) % {VISITS_PER_SESSION}"


def _patient(rows: int) -> str:
    return f"1 + i % {rows // VISITS_PER_PATIENT}"


def _score(question: int) -> str:
    return f"1 + (i * 7919 + {question} * 31) % 7"


def _value(question: int) -> str:
    return f"(i * 7907 + {question} * 37) % 400 / 4.0"


def _answered(question: int) -> str:
    return f"(i * 31 + {question} * 17) % 20 <> 0"


def _write_what_is_asked() -> None:
    for number in range(1, SCALES + 1):
        LikertQuestion.objects.create(
            id=number, text=f"How is it on scale number {number}?", min_label="bad", max_label="good", position=number
        )
    for number in range(1, NUMBERS + 1):
        NumericQuestion.objects.create(id=number, text=f"How much is number {number}?", unit="times", position=number)
    for number, name in enumerate(SYMPTOMS, start=1):
        Symptom.objects.create(id=number, name=name, position=number)


def _write_sessions(rows: int) -> None:
    ClinicSession.objects.bulk_create(
        (
            ClinicSession(
                id=number + 1,
                date=FIRST_DAY + datetime.timedelta(days=number // len(Period)),
                period=Period.values[number % len(Period)],
                opens_at=datetime.time(9),
                closes_at=datetime.time(12),
                capacity=VISITS_PER_SESSION,
                booked=VISITS_PER_SESSION,
            )
            for number in range(rows // VISITS_PER_SESSION + 1)
        ),
        batch_size=2000,
    )


def _insert_answers(model: type[Model], rows: int, question: int, **value: str) -> None:
    answered = _answered(question)
    insert(model, rows, where=answered, appointment_id="i", question_id=str(question), asked_as="'As asked'", **value)


def _write_records(rows: int) -> None:
    postgres = connection.vendor == "postgresql"
    answers = [f"'likert_{q}', CASE WHEN {_answered(q)} THEN {_score(q)} END" for q in range(1, SCALES + 1)]
    answers += [f"'numeric_{q}', CASE WHEN {_answered(q)} THEN {_value(q)} END" for q in range(1, NUMBERS + 1)]
    flat = ", ".join(answers)
    insert(
        IntakeRecord,
        rows,
        join=f"JOIN clinic_clinicsession s ON s.id = {SESSION} JOIN clinic_symptom y ON y.id = {SYMPTOM}",
        appointment_id="i",
        patient_id=_patient(rows),
        number=NUMBER,
        date="s.date",
        period="s.period",
        age="1 + i * 17 % 90",
        symptoms="y.name",
        symptoms_in_chinese="y.name",
        answers=f"jsonb_strip_nulls(jsonb_build_object({flat}))"
        if postgres
        else f"json_patch('{{}}', json_object({flat}))",
    )
