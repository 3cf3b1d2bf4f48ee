"""What is no adult's frontal chest film: it gets no diagnosis where the picture shows it, and a named reason where the
file or the patient says it."""

from datetime import date
from decimal import Decimal
from io import StringIO

import cv2
import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st
from model_bakery import baker

from clinic.models import Patient
from imaging import ingest, phantom
from imaging.storing import receive
from imaging.tests import test_dicom
from inference import wording, worker
from inference.confidences import confidence_told, threshold_told
from inference.models import ModelResult, Prediction
from inference.nn.consensus import Reason
from inference.registry import checking
from inference.requests import ask
from inference.review.signing import CannotSignError, sign
from inference.suitability import objection_to, reasons, said_of
from inference.tests.own_answers import has_read
from inference.training import non_films


def codes(found: list[dict]) -> list[str]:
    return [reason["code"] for reason in found]


SURE = [
    "blank", "gradient", "chessboard", "text", "screenshot", "portrait", "hand", "limb", "skull", "turned", "negative",
    "sheet", "side",
]  # fmt: skip


@pytest.mark.parametrize("kind", SURE)
def test_the_gate_keeps_out_what_is_no_frontal_chest_film(kind):
    rng = np.random.default_rng(7)
    assert all(objection_to(getattr(non_films, kind)(rng)) for _picture in range(3))


@pytest.mark.parametrize("diagnosis", phantom.DIAGNOSES)
def test_the_gate_lets_chests_in(diagnosis):
    assert not any(objection_to(phantom.render(diagnosis, 3_000_000 + seed, 256)) for seed in range(3))


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 3), (31, 31)])
def test_the_gate_keeps_out_what_is_too_small_to_see_anything_in(shape):
    assert objection_to(np.zeros(shape, np.uint8))


def test_what_the_gate_lets_in_of_new_drawings_is_counted_by_kind():
    out = StringIO()
    call_command("train_gate", "--measure-only", "--draw", "1", stdout=out)
    assert "of 19 new drawings are let in" in out.getvalue()
    assert "  hand: 0 of 1" in out.getvalue()


def test_the_gate_lets_real_films_in(real_files):
    paths = sorted((real_files / "cxr").rglob("*.*g"))
    assert paths
    assert [path.name for path in paths if objection_to(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))] == []


@pytest.mark.parametrize(
    ("tags", "code", "words"),
    [
        ({"BodyPartExamined": "HAND"}, Reason.NO_CHEST, "no chest but HAND"),
        ({"ViewPosition": "LL"}, Reason.NOT_FRONTAL, "lateral"),
        ({"ViewPosition": "RLD"}, Reason.NOT_FRONTAL, "lateral"),
        ({"ViewPosition": "LAO"}, Reason.NOT_FRONTAL, "oblique"),
        ({"PatientAge": "005Y"}, Reason.CHILD, "5 years"),
        ({"PatientAge": "030M"}, Reason.CHILD, "2 years"),
    ],
)
@pytest.mark.django_db
def test_what_the_file_says_is_named(tags, code, words):
    data = test_dicom.film(phantom.render("Normal", 1, 128), **tags)
    picture = ingest.read(data, "film.dcm")
    found = reasons(picture.body_part, picture.view, picture.patient_age)
    assert codes(found) == [code]
    assert words in wording.in_words(found)[0]
    xray = baker.prepare("imaging.XRayImage", body_part=picture.body_part, view=picture.view)
    xray.full_clean(exclude=[f.name for f in xray._meta.fields if f.name not in ("body_part", "view")])


@pytest.mark.parametrize("tags", [{}, {"BodyPartExamined": "CHEST"}, {"ViewPosition": "PA", "PatientAge": "040Y"}])
def test_an_adults_frontal_chest_gives_no_reason(tags):
    picture = ingest.read(test_dicom.film(phantom.render("Normal", 1, 128), **tags), "film.dcm")
    assert reasons(picture.body_part, picture.view, picture.patient_age) == []


def test_the_view_that_somebody_chose_and_the_age_at_the_exposure_are_named(make_xray):
    xray = make_xray()
    xray.patient = baker.prepare(Patient, date_of_birth=date(2000, 1, 1))
    xray.view, xray.taken_on = "LL", date(2010, 6, 1)
    assert said_of(xray) == [{"code": Reason.NOT_FRONTAL, "view": "LL"}, {"code": Reason.CHILD, "age": 10}]
    xray.view, xray.taken_on = "PA", date(2020, 6, 1)
    assert said_of(xray) == []


@given(st.floats(0, 1), st.decimals(0, 1, places=4).map(float) | st.sampled_from([0.75, 0.755, 0.5, 0.9]))
def test_what_is_below_the_threshold_is_written_so_and_what_is_not_is_not(confidence, threshold):
    told, bound = confidence_told(confidence, threshold), threshold_told(threshold)
    assert (Decimal(told) < Decimal(bound)) == (confidence < threshold)
    assert Decimal(told) <= Decimal(repr(confidence))


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_reasons_never_contradict_themselves(language):
    reason = {"code": Reason.LOW_CONFIDENCE, "confidence": 0.7499999, "threshold": 0.75}
    with override(language):
        [told] = wording.in_words([reason])
    assert "0.74" in told
    assert told.count("0.75") == 1


def test_lists_and_pages_never_contradict_the_reason(make_xray, client, clinician):
    film = make_xray()
    prediction = baker.make(
        Prediction, xray=film, status="completed", diagnosis="COVID", confidence=0.7499999, needs_review=True,
        finished_at=timezone.now(),
        review_reasons=[{"code": Reason.LOW_CONFIDENCE, "confidence": 0.7499999, "threshold": 0.75}],
    )  # fmt: skip
    has_read(clinician, prediction)
    client.force_login(clinician)
    pages = [reverse(f"admin:{model}_changelist") for model in ("imaging_xrayimage", "inference_prediction")]
    pages += [reverse("admin:imaging_xrayimage_change", args=[film.pk])]
    pages += [reverse("admin:inference_prediction_change", args=[prediction.pk])]
    for page in map(client.get, pages):
        assert "0.74" in page.text
        assert page.text.count("0.75") == page.text.count("0.74 is below 0.75")


@pytest.fixture
def page_of_text(transactional_db, clinician) -> Prediction:
    """Asked about and declined."""
    picture = non_films.text(np.random.default_rng(1))
    file = ContentFile(cv2.imencode(".png", picture)[1].tobytes(), "text.png")
    patient = baker.make(Patient, full_name="Chen Wei-Ting", date_of_birth=date(1980, 1, 1))
    [prediction] = ask([receive(file, patient).xray], by=clinician).predictions
    worker.answer_waiting()
    prediction.refresh_from_db()
    return prediction


def test_what_is_no_film_gets_no_diagnosis_but_the_reason(tiny_models, page_of_text):
    assert page_of_text.status == Prediction.Status.COMPLETED
    assert (page_of_text.diagnosis, page_of_text.confidence, page_of_text.needs_review) == ("", None, True)
    assert codes(page_of_text.review_reasons)[0] == Reason.NOT_A_FRONTAL_CHEST_FILM
    assert not ModelResult.objects.exists()
    assert page_of_text in Prediction.objects.needs_review()


def test_every_page_shows_an_answer_without_a_diagnosis(tiny_models, page_of_text, client, clinician):
    has_read(clinician, page_of_text)
    client.force_login(clinician)
    film = client.get(reverse("admin:imaging_xrayimage_change", args=[page_of_text.xray_id])).content.decode()
    assert "No answer" in film
    assert "does not look like a frontal chest film" in film
    assert "Agree:" not in film
    for name in ("inference_prediction_changelist", "imaging_xrayimage_changelist"):
        assert "no answer" in client.get(reverse(f"admin:{name}")).content.decode()
    for name in ("inference_prediction_change", "inference_prediction_history"):
        assert client.get(reverse(f"admin:{name}", args=[page_of_text.pk])).status_code == 200


def test_nobody_agrees_with_what_was_not_said(tiny_models, page_of_text, clinician):
    with pytest.raises(CannotSignError, match="sign your own"):
        sign(page_of_text, by=clinician, diagnosis=page_of_text.diagnosis)


def test_a_clinician_signs_their_own_diagnosis_of_it(tiny_models, page_of_text, clinician):
    sign(page_of_text, by=clinician, diagnosis="Normal")
    page_of_text.refresh_from_db()
    assert (page_of_text.is_validated, page_of_text.final_diagnosis) == (True, "Normal")


@pytest.mark.django_db(transaction=True)
def test_the_command_line_says_the_same(tiny_models, tmp_path):
    checking.check_new_models()
    chest = phantom.render("Normal", 1, 128)
    (tmp_path / "lateral.dcm").write_bytes(test_dicom.film(chest, ViewPosition="LL"))
    cv2.imwrite(str(tmp_path / "text.png"), non_films.text(np.random.default_rng(1)))
    out = StringIO()
    call_command("ask_models", tmp_path / "lateral.dcm", tmp_path / "text.png", stdout=out)
    told = {line.split()[0]: line for line in out.getvalue().splitlines() if "needs review" in line or "no ans" in line}
    assert "not a frontal view but lateral" in told["lateral.dcm"]
    assert "does not look like a frontal chest film" in told["text.png"]
    call_command("ask_models", tmp_path / "text.png", stdout=StringIO())
