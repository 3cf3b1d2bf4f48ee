"""A signed film of a patient who has booked, and what a clinician does with its report."""

import datetime
from io import BytesIO

from django.urls import reverse
from django.utils import timezone
from model_bakery import baker
from pypdf import PdfReader

from backoffice.models import User
from clinic.models import Appointment, ClinicSession, Patient
from imaging.models import XRayImage
from inference.models import Prediction, Report

REPORTS = "/admin/inference/report/"
BORN = datetime.date(1980, 5, 17)


def signed_answer(by: User, *, xray: XRayImage | None = None, diagnosis: str = "Lung Opacity", **patient) -> Prediction:
    """Of somebody who came by a booking, unless `xray` is another's."""
    if xray is None:
        told = {"full_name": "Lin Mei-ling", "date_of_birth": BORN, "email": "lin@example.org", "national_id": ""}
        person = baker.make(Patient, sex="female", **(told | patient))
        visit = a_visit(person)
        xray = baker.make(
            XRayImage, patient=person, appointment=visit, quality_issues=[], width=10, height=10, view="PA"
        )
    signed = {"is_validated": True, "final_diagnosis": diagnosis, "reviewed_by": by, "reviewed_at": timezone.now()}
    answered = {"status": "completed", "finished_at": timezone.now(), "confidence": 0.6, "review_reasons": []}
    return baker.make(Prediction, xray=xray, diagnosis="Normal", verdict="corrected", **answered, **signed)


def a_visit(person: Patient) -> Appointment:
    """Each on a day of its own."""
    day = timezone.localdate() - datetime.timedelta(days=1 + ClinicSession.objects.count())
    session = baker.make(ClinicSession, date=day, period="morning")
    told = {"claimed": {}, "language": "en", "status": "done", "identity_conflict": False}
    return baker.make(Appointment, patient=person, session=session, **told)


def begin(client, answer: Prediction) -> Report:
    client.post(reverse("admin:inference_report_write", args=[answer.pk]))
    return Report.objects.get(prediction=answer, status="draft")


def publish(client, report: Report, **more):
    """By the preview's button."""
    page = client.get(reverse("admin:inference_report_preview", args=[report.pk]))
    sent = {"action": "publish", "_selected_action": report.pk, "confirm": "yes", "seen": page.context["seen"]}
    answer = client.post(REPORTS, sent | more, follow=True)
    report.refresh_from_db()
    return answer


def published(client, answer: Prediction) -> Report:
    report = begin(client, answer)
    publish(client, report)
    assert report.status == "published"
    return report


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


def kept_pdf(report: Report) -> bytes:
    with report.pdf.open("rb") as file:
        return file.read()
