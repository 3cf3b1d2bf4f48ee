"""The X-ray's history has the second opinions and reports; what was signed or published does not go back."""

import pytest
from django.urls import reverse
from django.utils import timezone

from imaging.models import XRayImage
from inference.models import DiagnosticModel, ModelResult, Prediction, Reading, Report
from inference.review.signing import sign

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
    assert {entry.change.model for entry in entries} == {XRayImage, Prediction, ModelResult, Reading, Report}
    signatures = [entry for entry in entries if entry.reason == "Signed"]
    [signature] = [entry for entry in signatures if entry.change.model is Prediction]
    assert ("Final diagnosis", "–", "COVID") in [(told.title, told.old, told.new) for told in signature.diffs]
    assert signature.change.version.history_user == clinician


MADE = {
    "device": "cpu",
    "device_name": "x86_64",
    "dtype": "float32",
    "torch": "2.13.0",
    "timm": "1.0.31",
    "opencv": "5.0.0",
    "threshold": 0.75,
    "file_sha256": "f" * 64,
    "pixels_sha256": "a" * 64,
    "models": [{"name": "ResNet-50", "version": "fafbc71f", "sha256": "c" * 64}],
}


def test_why_and_how_an_answer_was_made_is_told_in_words(client, clinician, administrator, make_xray):
    prediction = Prediction(xray=make_xray(), requested_by=clinician)
    prediction.save()
    prediction.review_reasons = [{"code": "low_confidence", "confidence": 0.71, "threshold": 0.75}]
    prediction.provenance = MADE
    prediction.save()
    client.force_login(clinician)
    entries = client.get(reverse("admin:inference_prediction_history", args=[prediction.pk])).context["entries"]
    told = {one.title: one.new for one in entries[0].diffs}
    assert told == {
        "Why it needs review": "confidence 0.71 is below 0.75",
        "How it was made": "computed on cpu (x86_64) in float32; with torch 2.13.0, timm 1.0.31, OpenCV 5.0.0; "
        "by ResNet-50 fafbc71f; reviewed where confidence is below 0.75; "
        "from file ffffffffffff, pixels aaaaaaaaaaaa (SHA-256)",
    }
    Prediction.objects.update(status=Prediction.Status.COMPLETED)
    client.force_login(administrator)
    page = client.get(reverse("admin:inference_prediction_change", args=[prediction.pk])).text
    assert f"from file {'f' * 64}" in page


def test_a_films_faults_are_told_as_its_page_says_them(client, clinician, make_xray):
    xray = make_xray()
    xray.quality_issues = ["low_contrast", "colour_picture"]
    xray.save()
    client.force_login(clinician)
    entries = client.get(reverse("admin:imaging_xrayimage_history", args=[xray.pk])).context["entries"]
    assert [(one.title, one.new) for one in entries[0].diffs] == [("Quality", "low contrast, colour picture")]


def test_a_models_figures_are_told_without_signs_of_json(client, administrator):
    model = DiagnosticModel(name="A", architecture="resnet50", labels=[], input_size=96, mean=[0], std=[1])
    model.save()
    model.metrics = {"accuracy": 0.98765, "recall": {"COVID": 1.0}, "pictures": 800}
    model.save()
    client.force_login(administrator)
    entries = client.get(reverse("admin:inference_diagnosticmodel_history", args=[model.pk])).context["entries"]
    [figures] = entries[0].diffs
    assert figures.new == "accuracy: 0.988; recall (COVID: 1.0); pictures: 800"


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
    assert page.status_code == 403
    report.refresh_from_db()
    assert (report.body, report.status) == ("As published.", Report.Status.PUBLISHED)


def test_a_report_is_numbered_after_the_newest_though_an_older_one_is_gone(client, clinician, signed):
    for version in (1, 2):
        Report(prediction=signed, version=version, body="A draft.").save()
    Report.objects.filter(version=1).delete()
    client.force_login(clinician)
    page = client.post("/admin/inference/report/add/", {"prediction": signed.pk, "body": "Another."})
    assert page.status_code == 302, page.context["errors"]
    assert sorted(Report.objects.values_list("version", flat=True)) == [2, 3]
