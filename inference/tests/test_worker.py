"""The queue's rules, one process: who claims what, what is saved, what fails and when."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import IntegrityError
from django.utils import timezone

from clinic.models import Patient
from imaging.models import XRayImage
from inference import health, suitability, tasks, voting, worker
from inference.models import DiagnosticModel, ModelResult, Prediction
from inference.requests import ask
from inference.tests.tiny import register_tiny_models

Status = Prediction.Status
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked(make_xray, clinician):
    def ask_about(n: int = 1) -> list[Prediction]:
        return ask([make_xray(seed) for seed in range(n)], by=clinician).predictions

    return ask_about


def lapse(*predictions):
    """As if the worker that holds these had died a while ago."""
    Prediction.objects.filter(pk__in=[p.pk for p in predictions]).update(lease_until=timezone.now() - timedelta(1))


def test_an_answer_holds_every_model_and_how_it_was_made(asked, tiny_models, clinician):
    [prediction] = asked()
    assert worker.answer_waiting() == 1
    prediction.refresh_from_db()
    assert prediction.status == Status.COMPLETED
    assert prediction.progress == 100
    results = list(prediction.results.all())
    assert [result.model for result in results] == tiny_models
    assert all(abs(sum(result.probabilities.values()) - 1) < 1e-6 for result in results)
    of_resnet, of_vit = results
    assert bytes(of_resnet.heatmap).startswith(b"\x89PNG")
    assert of_vit.heatmap is None
    assert prediction.provenance["file_sha256"] == prediction.xray.sha256
    assert len(prediction.provenance["pixels_sha256"]) == 64
    assert [model["sha256"] for model in prediction.provenance["models"]] == [m.sha256 for m in tiny_models]
    assert prediction.history.first().history_user == clinician


def test_what_users_asked_for_separately_is_one_batch(asked, settings):
    settings.MAX_BATCH_SIZE = 3
    asked(4)
    assert len(worker.claim()) == 3
    assert len(worker.claim()) == 1
    assert worker.claim() == []


def test_a_prediction_that_was_tried_before_runs_alone(asked):
    predictions = asked(3)
    assert len(worker.claim()) == 3
    lapse(*predictions[:2])
    assert [p.pk for p in worker.claim()] == [predictions[0].pk]
    assert [p.pk for p in worker.claim()] == [predictions[1].pk]
    assert worker.claim() == []


def test_a_lease_that_holds_is_not_taken_over(asked):
    asked()
    assert worker.claim()
    assert worker.claim() == []


def test_a_prediction_whose_worker_died_three_times_fails_with_a_reason(asked, tiny_models):
    [prediction] = asked()
    for _attempt in range(Prediction.MAX_ATTEMPTS):
        assert worker.claim()
        lapse(prediction)
    worker.answer_waiting()
    prediction.refresh_from_db()
    assert prediction.status == Status.FAILED
    assert "stopped 3 times" in prediction.error
    assert prediction.history.first().status == Status.FAILED


def test_a_picture_that_kills_its_worker_is_never_tried_a_fourth_time_however_long_the_queue(asked, settings):
    settings.MAX_BATCH_SIZE = 1
    killer, *_others = asked(5)
    for _attempt in range(Prediction.MAX_ATTEMPTS):
        assert worker.claim() == [killer]
        lapse(killer)
    assert worker.claim() != [killer]  # the same worker goes on in its queue: nobody gave up on it in between
    killer.refresh_from_db()
    assert (killer.status, killer.attempts) == (Status.FAILED, Prediction.MAX_ATTEMPTS)


def test_the_results_of_a_worker_that_lost_its_lease_are_thrown_away(asked, tiny_models):
    voting.check_new_models()
    [prediction] = asked()
    [late] = worker.claim()
    lapse(prediction)
    assert worker.answer_waiting() == 1
    assert worker.answer([late]) == 0
    assert ModelResult.objects.filter(prediction=prediction).count() == len(tiny_models)
    assert Prediction.objects.get().attempts == 2


def test_a_picture_that_cannot_be_read_fails_at_once_and_alone(asked, tiny_models):
    broken, good = asked(2)
    with broken.xray.pixels.open("wb") as file:
        file.write(b"not a picture")
    worker.answer_waiting()
    broken.refresh_from_db()
    good.refresh_from_db()
    assert (broken.status, broken.attempts) == (Status.FAILED, 1)
    assert "cannot be read" in broken.error
    assert good.status == Status.COMPLETED


def test_a_picture_that_was_lost_is_drawn_again_from_the_original(asked, tiny_models):
    [prediction] = asked()
    prediction.xray.pixels.storage.delete(prediction.xray.pixels.name)
    worker.answer_waiting()
    prediction.refresh_from_db()
    assert prediction.status == Status.COMPLETED
    assert prediction.xray.pixels.storage.exists(prediction.xray.pixels.name)


def test_missing_weights_keep_a_model_from_voting(asked, tiny_models):
    lost, kept = tiny_models
    lost.weights.storage.delete(lost.weights.name)
    [prediction] = asked()
    worker.answer_waiting()
    lost.refresh_from_db()
    assert "cannot read the weights" in lost.check_error
    assert [result.model for result in prediction.results.all()] == [kept]


@pytest.mark.parametrize(
    "fault", [MemoryError(), OSError("stale file handle"), RuntimeError("CUDA error: device-side assert triggered")]
)
def test_a_fault_of_the_machine_is_no_verdict_on_a_model_and_the_next_look_tries_anew(tiny_models, monkeypatch, fault):
    def fails(models):
        raise fault

    with monkeypatch.context() as at_this_moment:
        at_this_moment.setattr(voting, "make_ensemble", fails)
        voting.check_new_models()
        voting.check_new_models()
    model = DiagnosticModel.objects.first()
    assert model.check_error
    assert model.history.count() == 2  # registered, and noted once
    assert not DiagnosticModel.objects.voting().exists()
    voting.check_new_models()
    assert list(DiagnosticModel.objects.voting()) == tiny_models


def test_a_device_that_is_not_there_is_no_verdict_either(tiny_models, settings):
    settings.INFERENCE_DEVICE = "cuda:7"
    voting.check_new_models()
    assert DiagnosticModel.objects.unchecked().count() == len(tiny_models)
    settings.INFERENCE_DEVICE = "cpu"
    voting.check_new_models()
    assert list(DiagnosticModel.objects.voting()) == tiny_models


def test_an_administrator_has_a_model_tried_again(tiny_models, admin_client):
    DiagnosticModel.objects.update(checked_at=timezone.now(), check_error="RuntimeError: of last week")
    chosen = {"action": "retry", "_selected_action": [model.pk for model in tiny_models]}
    answer = admin_client.post("/admin/inference/diagnosticmodel/", chosen, follow=True)
    assert "A worker tries 2 models again." in answer.text
    voting.check_new_models()
    assert list(DiagnosticModel.objects.voting()) == tiny_models


def test_weights_that_are_lost_later_fail_the_prediction_at_once(asked, tiny_models):
    voting.check_new_models()
    tiny_models[0].weights.storage.delete(tiny_models[0].weights.name)
    [prediction] = asked()
    worker.answer_waiting()
    prediction.refresh_from_db()
    assert (prediction.status, prediction.attempts) == (Status.FAILED, 1)
    assert "cannot read the weights" in prediction.error


def test_without_models_a_prediction_fails_and_says_what_to_do(asked):
    [prediction] = asked()
    worker.answer_waiting()
    prediction.refresh_from_db()
    assert prediction.status == Status.FAILED
    assert "Register models" in prediction.error


def test_an_error_that_may_pass_is_tried_again_later_and_then_given_up(asked, tiny_models, monkeypatch):
    [prediction] = asked()
    voting.check_new_models()
    monkeypatch.setattr(worker, "ensemble_in_force", lambda: 1 / 0)
    for attempt in range(1, Prediction.MAX_ATTEMPTS + 1):
        worker.answer_waiting()
        prediction.refresh_from_db()
        assert prediction.attempts == attempt
        if attempt < Prediction.MAX_ATTEMPTS:
            assert prediction.status == Status.PENDING
            assert worker.claim() == []  # not yet: it backs off
            lapse(prediction)
    assert prediction.status == Status.FAILED
    assert "log says why" in prediction.error


def test_a_cancelled_prediction_is_not_answered(asked, tiny_models, clinician):
    from inference.requests import cancel

    voting.check_new_models()
    [prediction] = asked()
    [claimed] = worker.claim()
    assert cancel(Prediction.objects.all(), by=clinician) == 1
    assert worker.answer([claimed]) == 0
    prediction.refresh_from_db()
    assert prediction.status == Status.CANCELLED
    assert not prediction.results.exists()


def test_a_changed_model_is_taken_up_without_a_new_worker(asked, tiny_models):
    asked()
    worker.answer_waiting()
    DiagnosticModel.objects.filter(pk=tiny_models[0].pk).update(is_active=False)
    [prediction] = asked(1)
    worker.answer_waiting()
    assert [result.model for result in prediction.results.all()] == tiny_models[1:]


def test_a_low_confidence_and_a_demonstration_model_need_review(asked, tiny_models, settings):
    settings.CONFIDENCE_THRESHOLD = 1.0
    DiagnosticModel.objects.update(is_demo=True, updated_at=timezone.now())
    [prediction] = asked()
    worker.answer_waiting()
    prediction.refresh_from_db()
    assert prediction.needs_review
    codes = {reason["code"] for reason in prediction.review_reasons}
    assert {"low_confidence", "demonstration_model"} <= codes


def test_a_model_whose_name_and_version_are_taken_leaves_no_file(tiny_models, tmp_path, settings):
    kept = sorted(settings.MEDIA_ROOT.rglob("*.safetensors"))
    with pytest.raises(IntegrityError):
        register_tiny_models(tmp_path / "again")
    assert sorted(settings.MEDIA_ROOT.rglob("*.safetensors")) == kept


def test_only_a_running_worker_counts_as_one():
    cache.delete(health.HEARTBEAT)
    worker.answer_waiting()
    assert "No inference worker" in health.worker_is_alive()
    tasks.answer_waiting()
    assert health.worker_is_alive() is None


# -- Hidden while the models look -------------------------------------------------------------------------------------

HIDE = {
    "film": lambda prediction: XRayImage.objects.filter(pk=prediction.xray_id),
    "patient": lambda prediction: Patient.objects.filter(xrays=prediction.xray_id),
    "request": lambda prediction: Prediction.objects.filter(pk=prediction.pk),
}


@pytest.mark.parametrize("refusal", [None, {"code": "not_a_film"}])
@pytest.mark.parametrize("what", HIDE)
def test_an_answer_about_what_was_hidden_meanwhile_is_not_written_and_asked_again_once_it_is_back(
    asked, tiny_models, clinician, monkeypatch, what, refusal
):
    [prediction] = asked()

    def hide_and_look(picture):
        HIDE[what](prediction).hide(by=clinician, reason="Another person’s")
        return refusal

    monkeypatch.setattr(suitability, "objection_to", hide_and_look)
    worker.answer_waiting()
    prediction.refresh_from_db()
    assert (prediction.status, prediction.diagnosis, prediction.attempts) == (Status.PENDING, "", 0)
    assert not ModelResult.objects.exists()
    assert not prediction.history.filter(status=Status.COMPLETED).exists()

    HIDE[what](prediction).restore(by=clinician)
    monkeypatch.undo()
    assert worker.answer_waiting() == 1
    prediction.refresh_from_db()
    assert prediction.status == Status.COMPLETED
