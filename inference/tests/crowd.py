"""So many rows of everything that the admin lists, for tests of how pages grow."""

import datetime

from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from django_q.models import Failure, Schedule, Success
from model_bakery import baker

from backoffice.models import AccessEvent, Backup, DailySummary, Mail, TableImport, User
from clinic.intake.sync import rebuild
from clinic.models import (
    Appointment,
    ClinicSession,
    Closure,
    LikertAnswer,
    LikertQuestion,
    NumericAnswer,
    NumericQuestion,
    OpeningHours,
    Patient,
    Period,
    Symptom,
)
from imaging.models import XRayImage
from inference.models import (
    Calibration,
    Diagnosis,
    DiagnosticModel,
    FollowUp,
    Hold,
    ModelResult,
    Prediction,
    ReferenceStandard,
    Report,
)

FILES = {"original": "a.png", "pixels": "a.png", "thumbnail": "a.png"}


def one_more_of_everything(number: int) -> None:
    """Records that hang together: a person's visit with answers, a film of it, what the models said, and its report."""
    person = baker.make(User, username=f"person{number}", is_staff=True)
    patient = baker.make(Patient, full_name=f"Patient {number}", national_id="")
    visit = a_visit(number, patient)
    film = baker.make(
        XRayImage, patient=patient, appointment=visit, uploaded_by=person, sha256=f"{number:064}", **FILES
    )
    an_answer(film, person)
    around_it(number, person, patient)


def a_visit(number: int, patient: Patient) -> Appointment:
    session = baker.make(
        ClinicSession,
        date=timezone.localdate() + datetime.timedelta(days=number),
        period=Period.MORNING,
        opens_at=datetime.time(9),
        closes_at=datetime.time(12),
        capacity=5,
        booked=1,
        last_number=1,
    )
    visit = baker.make(Appointment, patient=patient, session=session, queue_number=1, identity_conflict=True)
    visit.symptoms.add(baker.make(Symptom, name=f"Symptom {number}"))
    baker.make(LikertAnswer, appointment=visit, question=baker.make(LikertQuestion), score=4)
    question = baker.make(NumericQuestion, minimum=None, maximum=None)
    baker.make(NumericAnswer, appointment=visit, question=question, value=2)
    rebuild([visit.pk])
    return visit


def an_answer(film: XRayImage, person: User) -> None:
    signed = {"is_validated": True, "final_diagnosis": Diagnosis.NORMAL, "reviewed_by": person}
    model = baker.make(DiagnosticModel, name=f"Model {film.pk}", labels=Diagnosis.values)
    prediction = baker.make(
        Prediction,
        xray=film,
        status=Prediction.Status.COMPLETED,
        diagnosis=Diagnosis.NORMAL,
        confidence=0.9,
        agreement=1,
        review_reasons=[],
        requested_by=person,
        **signed,
    )
    baker.make(ModelResult, prediction=prediction, model=model, diagnosis=Diagnosis.NORMAL, probabilities={})
    figures = {"models": [], "before": {}, "after": {}, "counts": {}, "covered": {}, "mean_size": 1, "missing": {}}
    baker.make(Calibration, figures=figures, coverage=0.9, bounds={}, ensemble=[])
    baker.make(ReferenceStandard, xray=film, diagnosis=Diagnosis.NORMAL, known_on=timezone.localdate())
    report = baker.make(Report, prediction=prediction, version=1, status=Report.Status.DRAFT, generated_by=person)
    baker.make(Hold, report=report)
    due = {"kind": FollowUp.Kind.FILM, "due_on": timezone.localdate() - datetime.timedelta(days=1)}
    baker.make(FollowUp, prediction=prediction, owner=person, asked_by=person, **due)


def around_it(number: int, person: User, patient: Patient) -> None:
    kind = ContentType.objects.get_for_model(Patient)
    day = timezone.localdate() + datetime.timedelta(days=number)
    baker.make(AccessEvent, user=person, action="view", content_type=kind, object_id=patient.pk, request_id="x")
    baker.make(Mail, to="somebody@example.org")
    baker.make(Backup, name=f"collimator-{number}.age", made_at=timezone.now(), findings=[])
    baker.make(DailySummary, day=timezone.localdate() - datetime.timedelta(days=number), sections=[])
    baker.make(TableImport, content_type=kind, uploaded_by=person, status=TableImport.Status.DONE, language="en")
    baker.make(Closure, starts_on=day, ends_on=day, period="")
    if number < len(Period) * 7:
        weekday, period = divmod(number, len(Period))
        times = {"opens_at": datetime.time(9), "closes_at": datetime.time(12)}
        baker.make(OpeningHours, weekday=weekday, period=Period.values[period], **times)
    for task, success in ((Success, True), (Failure, False)):
        now = timezone.now()
        task.objects.create(id=f"{success}{number}", name="task", func="f", started=now, stopped=now, success=success)
    Schedule.objects.create(name=f"schedule {number}", func="f")
