"""The X-ray's history has the second opinions and reports; what was signed or published does not go back."""

import pytest
from django.urls import reverse
from django.utils import timezone

from imaging.models import XRayImage
from inference.models import DiagnosticModel, ModelResult, Prediction, Report
from inference.reviews import sign

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def signed(make_xray, clinician) -> Prediction:
    prediction = Prediction(xray=make_xray(), requested_by=clinician, status="completed", diagnosis="Normal")
    prediction.save()
    model = DiagnosticModel(name="A", architecture="resnet50", labels=[], input_size=96, mean=[0], std=[1])
    model.save()
    ModelResult(
        prediction=prediction, model=model, diagnosis="Normal", confidence=0.9, probabilities={}, milliseconds=1
    ).save()
    sign(prediction, by=clinician, diagnosis="COVID")
    prediction.refresh_from_db()
    return prediction


def version_page(row) -> str:
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_simple_history"
    return reverse(name, args=[row.pk, row.history.earliest().pk])


def test_the_xrays_history_tells_of_what_was_made_of_it(client, clinician, signed):
    Report(prediction=signed, body="All is well.").save()
    client.force_login(clinician)
    page = client.get(reverse("admin:imaging_xrayimage_history", args=[signed.xray_id]))
    entries = page.context["entries"]
    assert {entry.change.model for entry in entries} == {XRayImage, Prediction, ModelResult, Report}
    [signature] = [entry for entry in entries if entry.reason == "Signed"]
    assert ("Final diagnosis", "–", "COVID") in [(told.title, told.old, told.new) for told in signature.diffs]
    assert signature.change.version.history_user == clinician


def test_the_front_desk_reads_nothing_of_it_on_the_patients_history(client, front_desk, signed):
    client.force_login(front_desk)
    page = client.get(reverse("admin:clinic_patient_history", args=[signed.xray.patient_id]))
    assert {entry.what for entry in page.context["entries"]} == {"patient"}
    assert client.get(reverse("admin:imaging_xrayimage_history", args=[signed.xray_id])).status_code == 403


def test_a_signature_stays(client, clinician, signed):
    client.force_login(clinician)
    assert "cannot go back this way" in client.get(version_page(signed)).text
    client.post(version_page(signed), {"reason": "I was wrong"})
    signed.refresh_from_db()
    assert (signed.is_validated, signed.final_diagnosis) == (True, "COVID")


def test_a_published_report_stays(client, clinician, signed):
    client.force_login(clinician)
    report = Report(prediction=signed, body="A first draft.")
    report.save()
    report.body, report.status, report.published_at = "As published.", Report.Status.PUBLISHED, timezone.now()
    report.save()
    page = client.post(version_page(report), {"reason": "I was wrong"})
    assert "cannot go back this way" in page.text or "Nothing of this can go back" in page.text
    report.refresh_from_db()
    assert (report.body, report.status) == ("As published.", Report.Status.PUBLISHED)
