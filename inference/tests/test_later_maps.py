"""An answer that was stored without heat maps gets them later, from what answered, or none."""

from io import StringIO

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command

from inference import voting, worker
from inference.models import DiagnosticModel, ModelResult, Prediction
from inference.requests import ask

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unexplained(make_xray, tiny_models, clinician, settings) -> Prediction:
    settings.INFERENCE_HEATMAPS = False
    [prediction] = ask([make_xray()], by=clinician).predictions
    assert worker.answer_waiting() == 1
    assert not ModelResult.objects.exclude(heatmap=None).exists()
    return prediction


def draw(*numbers) -> str:
    out = StringIO()
    call_command("draw_heatmaps", *map(str, numbers), stdout=out, stderr=out)
    return out.getvalue()


def maps_of(prediction: Prediction) -> list[bytes | None]:
    return [result.heatmap and bytes(result.heatmap) for result in prediction.results.all()]


def test_the_maps_are_those_that_the_answer_would_have_had(unexplained, make_xray, clinician, settings):
    answers = list(ModelResult.objects.values_list("probabilities", "diagnosis", "updated_at"))
    assert draw() == "Drawn: 1 heat maps.\n"  # the other is of a family that shows none
    later = maps_of(unexplained)
    assert list(ModelResult.objects.values_list("probabilities", "diagnosis", "updated_at")) == answers
    settings.INFERENCE_HEATMAPS = True
    [again] = ask([unexplained.xray], by=clinician).predictions
    worker.answer_waiting()
    assert maps_of(again) == later
    assert draw() == "Drawn: 0 heat maps.\n"


def test_other_weights_explain_nothing(unexplained):
    DiagnosticModel.objects.update(sha256="0" * 64)
    with pytest.raises(CommandError, match="1 answers were left"):
        draw(unexplained.pk)
    assert not ModelResult.objects.exclude(heatmap=None).exists()


def test_another_picture_explains_nothing(unexplained, make_xray):
    other = make_xray(1)
    with other.pixels.open("rb") as file:
        content = file.read()
    storage, name = unexplained.xray.pixels.storage, unexplained.xray.pixels.name
    storage.delete(name)
    assert storage.save(name, ContentFile(content)) == name
    with pytest.raises(CommandError):
        draw(unexplained.pk)
    assert not ModelResult.objects.exclude(heatmap=None).exists()


def test_a_model_that_answers_otherwise_by_now_explains_nothing(unexplained):
    ModelResult.objects.update(
        probabilities={"COVID": 0.97, "Normal": 0.01, "Viral Pneumonia": 0.01, "Lung Opacity": 0.01}
    )
    with pytest.raises(CommandError):
        draw()


def test_an_answer_that_is_not_there_is_named(unexplained):
    with pytest.raises(CommandError, match="no such answer: 999"):
        draw(unexplained.pk, 999)


def test_a_worker_that_nobody_needs_finds_the_fastest_way(unexplained, settings, monkeypatch):
    tuned = []
    monkeypatch.setattr("inference.nn.engine.Ensemble.tune", lambda self, goes_on: tuned.append(goes_on()))
    worker.answer_waiting()
    assert tuned == []  # turned off in tests
    settings.INFERENCE_TUNING = True
    worker.answer_waiting()
    assert tuned == [True]
    assert unexplained.results.count() == len(voting.ensemble_in_force()[0])
