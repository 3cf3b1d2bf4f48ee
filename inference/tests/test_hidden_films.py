"""What is hidden is gone from clinical work, with what hangs on it: a patient's films, and a film's answers."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker

from clinic.models import Patient
from imaging.models import XRayImage
from inference import worker
from inference.models import DiagnosticModel, ModelResult, Prediction, Report
from inference.requests import ask
from inference.review import signing
from inference.tests.own_answers import has_read

pytestmark = pytest.mark.django_db

PREDICTIONS = "/admin/inference/prediction/"
XRAYS = "/admin/imaging/xrayimage/"


@pytest.fixture
def xray():
    return baker.make(XRayImage, quality_issues=[], width=10, height=10, patient__full_name="Lin Mei-ling")


@pytest.fixture
def answered(xray):
    return baker.make(
        Prediction,
        xray=xray,
        status="completed",
        diagnosis="COVID",
        confidence=0.71,
        finished_at=timezone.now(),
        needs_review=True,
        review_reasons=[],
    )


@pytest.fixture(params=["film", "patient"])
def hide(request, xray, administrator):
    """Hides the film, or its patient."""
    rows = XRayImage.objects.filter(pk=xray.pk) if request.param == "film" else Patient.objects.all()
    return lambda: rows.hide(by=administrator, reason="Entered twice")


def film_page(xray) -> str:
    return reverse("admin:imaging_xrayimage_change", args=[xray.pk])


@pytest.mark.parametrize("address", ["/admin/", PREDICTIONS, XRAYS, "/admin/inference/report/"])
def test_it_leaves_every_list_and_the_first_page(
    doctor, clinician, xray, answered, hide, address, django_capture_on_commit_callbacks
):
    has_read(clinician, answered)
    baker.make(Report, prediction=answered, version=1)
    assert "Lin Mei-ling" in doctor.get(address).text
    with django_capture_on_commit_callbacks(execute=True):
        hide()
    assert "Lin Mei-ling" not in doctor.get(address).text


def test_it_leaves_what_is_counted_and_offered(doctor, answered, hide):
    hide()
    for rows in (Prediction.objects.needs_review(), Prediction.objects.visible(), Report.objects.visible()):
        assert not rows.exists()
    offered = {"app_label": "inference", "model_name": "report", "field_name": "prediction", "term": ""}
    assert doctor.get("/admin/autocomplete/", offered).json()["results"] == []


@pytest.mark.parametrize("status", ["pending", "processing"])
def test_its_job_does_not_run(xray, clinician, hide, status):
    [waiting] = ask([xray], by=clinician).predictions
    Prediction.objects.update(status=status, lease_until=None)
    hide()
    assert worker.claim() == []
    waiting.refresh_from_db()
    assert waiting.status == status


def test_its_job_runs_once_it_is_back(xray, clinician):
    [waiting] = ask([xray], by=clinician).predictions
    XRayImage.objects.all().hide(by=clinician)
    XRayImage.objects.all().restore(by=clinician)
    assert worker.claim() == [waiting]


def test_its_failure_is_not_told_and_not_tried_again(doctor, xray, hide):
    failed = baker.make(Prediction, xray=xray, status="failed", error="It broke.", review_reasons=[])
    hide()
    assert "It broke." not in doctor.get("/admin/").text
    doctor.post(PREDICTIONS + "?hidden=all", {"action": "retry", "_selected_action": failed.pk})
    failed.refresh_from_db()
    assert failed.status == "failed"


def test_it_cannot_be_signed(doctor, clinician, answered, hide):
    doctor.get(film_page(answered.xray))
    hide()
    doctor.post(PREDICTIONS + "?hidden=all", {"action": "validate", "_selected_action": answered.pk})
    doctor.post(reverse("admin:inference_prediction_sign", args=[answered.pk]), {"final_diagnosis": "COVID"})
    with pytest.raises(signing.CannotSignError, match="hidden"):
        signing.decide(answered, by=clinician, diagnosis="COVID")
    answered.refresh_from_db()
    assert not answered.is_validated


def test_the_models_are_not_asked_about_it(doctor, xray, hide):
    hide()
    doctor.post(XRAYS + "?hidden=all", {"action": "ask_models", "_selected_action": xray.pk})
    assert doctor.post(reverse("admin:imaging_xrayimage_ask", args=[xray.pk])).status_code == 409  # it says so
    assert not Prediction.objects.exists()


@pytest.fixture
def looker(client, django_user_model):
    """Somebody who sees films and answers, and could not bring one back."""
    person = django_user_model.objects.create_user("looker", is_staff=True)
    codes = ["view_xrayimage", "view_prediction", "view_report", "view_patient"]
    person.user_permissions.add(*Permission.objects.filter(codename__in=codes))
    client.force_login(person)
    return client


def test_no_page_of_it_is_there_for_who_could_not_restore_it(looker, xray, answered, hide):
    model = baker.make(DiagnosticModel, labels=[], metrics={}, options={})
    result = baker.make(ModelResult, prediction=answered, model=model, heatmap=b"x", probabilities=[])
    hide()
    pages = [film_page(xray), film_page(xray).replace("change/", "history/"), f"{XRAYS}?hidden=all"]
    pages += [film_page(xray).replace("change", file) for file in ("original", "pixels", "thumbnail", "enhanced")]
    pages += [
        f"{PREDICTIONS}{answered.pk}/change/",
        f"{PREDICTIONS}{answered.pk}/history/",
        f"{PREDICTIONS}?hidden=all",
    ]
    pages += [film_page(xray).replace("change", "answer"), f"{PREDICTIONS}live/?live={answered.pk}"]
    pages += [reverse("admin:inference_modelresult_heatmap", args=[result.pk])]
    for page in pages:
        answer = looker.get(page, follow=True)
        shown = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert b"Lin Mei-ling" not in shown, page
        assert b"COVID 0.71" not in shown, page
        assert answer.status_code in (200, 286, 403, 404), page
