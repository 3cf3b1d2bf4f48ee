"""Calibrating on what clinicians signed or on labelled files, and what it changes for the next answers."""

import csv
import re
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from model_bakery import baker

from clinic.models import Patient
from imaging.models import XRayImage
from imaging.tests.pictures import png
from inference import calibrating, wording, worker
from inference.calibrating import Doubts, signed_cases
from inference.models import Calibration, Diagnosis, DiagnosticModel, ModelResult, Prediction
from inference.nn.calibration import log_softmax
from inference.nn.consensus import Vote, decide
from inference.requests import ask
from inference.tests.conftest import film

pytestmark = pytest.mark.django_db(transaction=True)
LABELS = Diagnosis.values


@pytest.fixture
def model(db) -> DiagnosticModel:
    """It votes, and is three times as sure as it may be."""
    fields = {"labels": LABELS, "checked_at": timezone.now(), "temperature": 0.5, "options": {}, "metrics": {}}
    return baker.make(DiagnosticModel, name="Sure", sha256="a" * 64, mean=[0.5], std=[0.5], **fields)


def sign(model: DiagnosticModel, n: int, labels: int = 4, start: int = 0) -> None:
    """Signed answers of which the truth is as likely as the model would say at temperature 3."""
    random = np.random.default_rng(start)
    honest = random.normal(size=(n, 4)) * 1.5
    honest[:, labels:] = -50
    said = np.exp(log_softmax(3 * honest / model.temperature))
    made_by = {"name": model.name, "version": "1", "sha256": model.sha256, "calibration": calibrating.how(model)}
    truths = [LABELS[random.choice(4, p=row)] for row in np.exp(log_softmax(honest))]
    patients = Patient.objects.bulk_create(baker.prepare(Patient, _quantity=n))
    films = [
        XRayImage(sha256=f"{start + number:064}", patient=patient, width=1, height=1, bit_depth=8)
        for number, patient in enumerate(patients)
    ]
    signed = {"status": "completed", "is_validated": True, "provenance": {"models": [made_by]}}
    predictions = [
        Prediction(xray=xray, final_diagnosis=truth, **signed)
        for xray, truth in zip(XRayImage.objects.bulk_create(films), truths, strict=True)
    ]
    answer = {"model": model, "model_sha256": model.sha256, "confidence": 1, "milliseconds": 1}
    ModelResult.objects.bulk_create(
        ModelResult(prediction=prediction, probabilities=dict(zip(LABELS, row, strict=True)), **answer)
        for prediction, row in zip(Prediction.objects.bulk_create(predictions), said.tolist(), strict=True)
    )


def calibrate(*arguments: str) -> str:
    out = StringIO()
    call_command("calibrate", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_nothing_is_written_before_somebody_says_so(model):
    sign(model, 400)
    told = calibrate()
    assert "Nothing is written" in told
    assert "0.50 → " in told
    model.refresh_from_db()
    assert (model.temperature, Calibration.objects.count()) == (0.5, 0)


def test_what_is_written_is_in_the_models_history_and_holds_for_the_next_answers(model):
    sign(model, 400)
    calibrate("--write")
    model.refresh_from_db()
    assert model.temperature == pytest.approx(3, rel=0.25)
    assert model.history.first().history_change_reason == "Calibrated"
    kept = Calibration.objects.get()
    assert kept.cases == 400
    assert kept.figures["after"]["ece"] < kept.figures["before"]["ece"] / 2
    assert Doubts([model]).calibration == kept


def test_calibrating_again_finds_nothing_more_to_do_whatever_the_answers_were_calibrated_by(model):
    sign(model, 400)
    calibrate("--write")
    model.refresh_from_db()
    first = model.temperature
    sign(model, 400, start=1000)  # answered at the new temperature
    assert len(signed_cases([model])) == 800
    assert "as it was" in calibrate()
    DiagnosticModel.objects.update(temperature=0.5)
    calibrate("--write")
    model.refresh_from_db()
    assert model.temperature == pytest.approx(first, rel=0.25)


def test_cases_that_are_missing_are_counted_for_each_diagnosis(model):
    sign(model, 40, labels=2)
    told = calibrate("--write")
    lines = {line.split("  ")[0]: line.split()[-1] for line in told.splitlines() if line}
    assert (lines["COVID"], lines["Viral Pneumonia"], lines["Lung Opacity"]) == ("0", "9", "9")
    model.refresh_from_db()
    votes = [Vote("Sure", dict(zip(LABELS, [0.97, 0.01, 0.01, 0.01], strict=True)))]
    doubt = Doubts([model]).of(decide(votes))
    assert doubt["set"] == ["COVID"]
    sentences = list(wording.doubt_told(doubt))
    assert sentences[0].startswith("Not ruled out: COVID. Such a list holds the true one in 9 of 10 cases")
    assert "known cases are missing: Lung Opacity 9, Viral Pneumonia 9" in sentences[1]
    assert "little open" in sentences[2]


def test_without_a_calibration_an_answer_says_how_many_signed_cases_are_missing(model):
    sign(model, 3, labels=1)
    doubt = Doubts([model]).of(decide([Vote("Sure", dict.fromkeys(LABELS, 0.25))]))
    assert doubt["missing"] == {"COVID": 6, "Normal": 9, "Viral Pneumonia": 9, "Lung Opacity": 9}
    told = wording.doubts_told(doubt)
    assert "cannot be promised yet" in told
    assert "COVID 6, Normal 9" in told
    assert "much open (entropy 1.00 of 1)" in told


def test_a_calibration_holds_for_the_models_that_it_was_taken_of_and_no_others(model):
    sign(model, 60)
    calibrate("--write")
    model.refresh_from_db()
    for change in ({"vote_weight": 2.0}, {"sha256": "b" * 64}, {"temperature": 9.0}):
        changed = DiagnosticModel.objects.get()
        for name, value in change.items():
            setattr(changed, name, value)
        assert Doubts([changed]).calibration is None
    assert Doubts([model]).calibration


def test_models_that_change_while_somebody_reads_the_figures_are_not_written_over(model):
    sign(model, 60)
    found = calibrating.calibrate([model], signed_cases([model]), 0.9)
    DiagnosticModel.objects.update(temperature=2.0)
    with pytest.raises(calibrating.HasChangedError):
        calibrating.write(found)
    assert not Calibration.objects.exists()


def test_a_model_that_knows_two_diagnoses_is_fitted_to_the_cases_of_these(model):
    of_two = baker.make(DiagnosticModel, name="Of two", labels=LABELS[:2], temperature=1.0, vote_weight=1.0)
    flat = {model.pk: np.log(np.full(4, 0.25)), of_two.pk: np.log(np.array([0.9, 0.1]))}
    cases = [calibrating.Case(truth, number, flat) for number, truth in enumerate(LABELS * 12)]
    found = calibrating.calibrate([model, of_two], cases, 0.9)
    assert [one.cases for one in found.of_each] == [48, 24]
    assert found.counts == dict.fromkeys(LABELS, 12)
    assert found.after["log_loss"] <= found.before["log_loss"]


def test_answers_of_other_weights_and_unsigned_ones_are_no_cases(model):
    sign(model, 2)
    one, other = Prediction.objects.order_by("pk")
    Prediction.objects.filter(pk=one.pk).update(is_validated=False)
    ModelResult.objects.filter(prediction=other).update(model_sha256="b" * 64)
    assert signed_cases([model]) == []
    with pytest.raises(CommandError, match="sign some first"):
        calibrate()


def test_a_vector_scaling_is_in_every_answer_and_can_be_taken_out_again(make_xray, tiny_models, clinician):
    from inference.registry import checking

    checking.check_new_models()
    ask([make_xray(1)], by=clinician)
    worker.answer_waiting()
    before = ModelResult.objects.get(model=tiny_models[0])
    tilted = {label: [0.5, 4.0 if label == "Normal" else 0.0] for label in LABELS}
    DiagnosticModel.objects.filter(pk=tiny_models[0].pk).update(vector_scaling=tilted, updated_at=timezone.now())
    ask([make_xray(1)], by=clinician)
    worker.answer_waiting()
    after = ModelResult.objects.filter(model=tiny_models[0]).latest("pk")
    assert (after.diagnosis, after.confidence) == ("Normal", after.probabilities["Normal"])
    assert after.probabilities["Normal"] > before.probabilities["Normal"]
    assert (after.heatmap is None) == (before.diagnosis != "Normal")
    made_by = after.prediction.provenance["models"][0]["calibration"]
    assert made_by == {"temperature": 1.0, "vector": tilted}
    assert np.exp(calibrating.uncalibrated(after.probabilities, made_by, LABELS)) == pytest.approx(
        [before.probabilities[label] for label in LABELS], abs=1e-6
    )


def test_labelled_files_are_asked_about_and_those_that_cannot_be_are_told(tmp_path, make_xray, tiny_models):
    from inference.registry import checking

    checking.check_new_models()
    for number, folder in enumerate(["Normal", "viral-pneumonia", "病毒性肺炎", "Something else"]):
        (tmp_path / "films" / folder).mkdir(parents=True)
        (tmp_path / "films" / folder / "film.png").write_bytes(film(number).read())
    (tmp_path / "films" / "Normal" / "hand.png").write_bytes(png())
    out = StringIO()
    with pytest.raises(CommandError, match="2 files were left out"):
        call_command("calibrate", "--data", str(tmp_path / "films"), stdout=out, stderr=out)
    assert "does not look like a frontal chest film" in out.getvalue()
    assert "Something else is none of the diagnoses" in out.getvalue()
    assert "Fitted where there are 30 cases, 5 of them answered wrongly" in out.getvalue()


def test_a_manifest_names_files_diagnoses_and_people(tmp_path, tiny_models):
    from inference.registry import checking

    checking.check_new_models()
    for number, name in enumerate(["a.png", "b.png", "c.png"]):
        (tmp_path / name).write_bytes(film(number).read())
    rows = [["file", "label", "patient"], ["a.png", "covid", "7"], ["b.png", "Normal", ""], ["c.png", "Flu", ""]]
    with (tmp_path / "films.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    out = StringIO()
    with pytest.raises(CommandError, match="1 file was left out"):
        call_command("calibrate", "--data", str(tmp_path / "films.csv"), stdout=out, stderr=out)
    assert "c.png: Flu is none of the diagnoses COVID, Normal, Viral Pneumonia, Lung Opacity." in out.getvalue()
    assert re.search(r"^consensus +2\b", out.getvalue(), re.MULTILINE)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("file,truth\na.png,COVID\n", "no column label"), ("file,label\n", "no column file, label")],
)
def test_an_unclear_manifest_says_what_is_wrong_with_it(tmp_path, tiny_models, content, complaint):
    from inference.registry import checking

    checking.check_new_models()
    (tmp_path / "films.csv").write_text(content)
    with pytest.raises(CommandError, match=complaint):
        call_command("calibrate", "--data", str(tmp_path / "films.csv"))
