"""Out of one database and into an empty one: every table comes back as it was, from CSV and from XLSX, whatever its
texts hold."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from model_bakery import baker

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.records.text import tidy_line
from clinic.models import (
    Appointment,
    ClinicSession,
    IntakeRecord,
    LikertAnswer,
    LikertQuestion,
    NumericAnswer,
    NumericQuestion,
    OpeningHours,
    Patient,
    Symptom,
)
from clinic.resources import (
    AppointmentResource,
    LikertQuestionResource,
    NumericQuestionResource,
    OpeningHoursResource,
    PatientResource,
    SymptomResource,
)
from clinic.spelling import normalise_name
from clinic.tests.clinics import session_today, visit
from clinic.tests.exchanged import as_csv, as_xlsx, take_back
from clinic.upkeep import numbers_are_ahead, places_are_counted, states_do_not_contradict

pytestmark = pytest.mark.django_db

# In the order in which an empty database can take them in.
RESOURCES = {
    PatientResource: Patient,
    SymptomResource: Symptom,
    LikertQuestionResource: LikertQuestion,
    NumericQuestionResource: NumericQuestion,
    OpeningHoursResource: OpeningHours,
    AppointmentResource: Appointment,
}
PLAIN = [
    "Lin Mei-ling",
    "王小明",
    "=1+1",
    "+886",
    "'=1",
    "O'Neil",
    'a "b", c',
    "two\nlines",
    "a\rb",
    "_x0041_",
    "x\x01y",
]


@pytest.fixture
def texts(real_files) -> list[str]:
    """Naughty strings, as forms keep them: those that can be seen, in the one spelling of each."""
    naughty = json.loads((real_files / "blns.json").read_text())
    kept = dict.fromkeys(filter(None, map(as_kept, [*PLAIN, *naughty])))
    assert len(kept) > 400
    return [text for text in kept if len(text) <= 120]


def as_kept(text: str) -> str:
    try:
        return tidy_line(text)
    except ValidationError:
        return ""


EXPORTS = {"csv": as_csv, "xlsx": as_xlsx}


def out_and_in(resource: type[ExchangeResource], texts_of) -> None:
    """Export in each way; then, for each, empty the table and import."""
    rows = RESOURCES[resource].objects.order_by("pk")
    before, count = texts_of(), rows.count()
    for kind, file in {kind: export(resource, rows.all()) for kind, export in EXPORTS.items()}.items():
        rows.delete()
        done = take_back(resource, file, f"table.{kind}")
        assert (kind, done.errors) == (kind, [])
        assert (kind, done.new, done.written) == (kind, count, True)
        assert texts_of() == before, kind


def test_patients(texts):
    for number, text in enumerate(texts):
        baker.make(
            Patient,
            full_name=normalise_name(text),
            date_of_birth=f"19{10 + number % 90}-01-{1 + number % 28:02}",
            sex=["female", "male", "other"][number % 3],
            national_id="",
            phone=f"0912 {number:06}",
            notes=f"{text}\n{text}",
        )
    columns = PatientResource.Meta.fields
    out_and_in(PatientResource, lambda: list(Patient.objects.order_by("pk").values(*columns)))


def test_symptoms(texts):
    for number, text in enumerate(dict.fromkeys(text[:80].strip() for text in texts)):
        baker.make(Symptom, name=text, position=number, is_active=number % 2 == 0)
    out_and_in(SymptomResource, lambda: list(Symptom.objects.order_by("pk").values("name", "position", "is_active")))


def test_questions(texts):
    for number, text in enumerate(texts):
        short = text[:60].strip()
        baker.make(LikertQuestion, text=text, min_label=short, max_label=short, position=number, is_required=False)
        baker.make(NumericQuestion, text=text, unit=text[:30].strip(), minimum=None, maximum="1.25", is_active=False)
    for resource, columns in (
        (LikertQuestionResource, LikertQuestionResource.Meta.fields),
        (NumericQuestionResource, NumericQuestionResource.Meta.fields),
    ):
        rows = RESOURCES[resource].objects.order_by("pk").values(*columns)
        out_and_in(resource, lambda rows=rows: list(rows.all()))


def test_hours(hours):
    OpeningHours.objects.filter(weekday=6).update(is_open=False, opens_at="08:15")
    columns = ["weekday", "period", "opens_at", "closes_at", "capacity", "is_open"]
    out_and_in(OpeningHoursResource, lambda: list(OpeningHours.objects.order_by("pk").values(*columns)))


def everything() -> dict:
    """The visits as people know them: by names and numbers, not by keys."""
    of_visit = "appointment__reference"
    return {
        "appointments": list(
            Appointment.objects.order_by("reference").values(
                "reference",
                "patient__full_name",
                "session__date",
                "session__period",
                "queue_number",
                "status",
                "called_at",
                "source",
                "identity_conflict",
                "claimed",
                "language",
                "reminded_at",
                "notes",
            )
        ),
        "symptoms": sorted(Appointment.symptoms.through.objects.values_list("appointment__reference", "symptom__name")),
        "likert": sorted(LikertAnswer.objects.values_list(of_visit, "question__text", "score", "asked_as")),
        "numeric": sorted(NumericAnswer.objects.values_list(of_visit, "question__text", "value", "asked_as")),
        "places": list(ClinicSession.objects.order_by("date", "period").values("date", "period", "booked")),
    }


def intake() -> list:
    """The derived table, with questions by their wording: their keys are others now."""
    wording = {f"likert_{row.pk}": row.text for row in LikertQuestion.objects.all()} | {
        f"numeric_{row.pk}": row.text for row in NumericQuestion.objects.all()
    }
    return sorted(
        [
            record.number,
            str(record.date),
            record.age,
            record.symptoms,
            sorted((wording[k], v) for k, v in record.answers.items()),
        ]
        for record in IntakeRecord.objects.all()
    )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_whole_clinic(texts, kind):
    session = session_today(capacity=200)
    for number, text in enumerate(texts[:40]):
        appointment = visit(session, notes=text)
        Symptom.objects.filter(appointments=appointment).update(name=text[:78] + str(number))
        Patient.objects.filter(pk=appointment.patient_id).update(full_name=normalise_name(text))
        LikertQuestion.objects.filter(answers__appointment=appointment).update(text=f"{text[:200]} {number}")
        NumericQuestion.objects.filter(answers__appointment=appointment).update(text=f"{text[:200]} n{number}")
    for answers in (LikertAnswer, NumericAnswer):
        for answer in answers.objects.select_related("question"):
            answers.objects.filter(pk=answer.pk).update(asked_as=answer.question.text)
    some = list(Appointment.objects.order_by("pk"))
    Appointment.objects.filter(pk__in=[row.pk for row in some[::3]]).update(
        status="called", called_at="2026-01-02T03:04:05.678901Z", identity_conflict=True, source="public"
    )
    Appointment.objects.filter(pk=some[1].pk).update(status="cancelled")
    for appointment, text in zip(some[1::3], texts, strict=False):
        name = normalise_name(text)
        claimed = {"full_name": name, "date_of_birth": "1984-05-02", "sex": "other", "phone": "0912 345 678"}
        Appointment.objects.filter(pk=appointment.pk).update(claimed=claimed)
    Appointment.objects.filter(pk=some[2].pk).update(claimed={"email": "somebody@example.org"}, language="zh-hant")
    Appointment.objects.filter(pk=some[5].pk).update(reminded_at="2026-01-02T03:04:05.678901Z")
    ClinicSession.objects.update(booked=len(some) - 1)
    call_command("rebuild_intake")
    before, derived = everything(), intake()

    export = EXPORTS[kind]
    files = {resource: export(resource, model.objects.order_by("pk")) for resource, model in RESOURCES.items()}
    call_command("flush", interactive=False, verbosity=0)
    for resource, file in files.items():
        if RESOURCES[resource] is not OpeningHours:  # there are none
            assert take_back(resource, file, f"table.{kind}").errors[:3] == []

    assert everything() == before
    assert intake() == derived
    for check in (places_are_counted, numbers_are_ahead, states_do_not_contradict):
        assert list(check()) == []
