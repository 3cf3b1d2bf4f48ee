"""The queue's rules, one process: who claims what, what is saved, what fails and when."""

import multiprocessing
import signal
from contextlib import suppress
from datetime import timedelta
from functools import cache

import pytest
from django.db import IntegrityError
from django.utils import timezone

from clinic.models import Patient
from imaging.models import XRayImage
from inference import chosen_device, health, heartbeat, suitability, tasks, voting, worker
from inference.models import DiagnosticModel, ModelResult, Prediction, Worker
from inference.nn import devices
from inference.nn.devices import DeviceLostError
from inference.registry import checking
from inference.requests import ask, cancel, hurry
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
    checking.check_new_models()
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
    assert "file of its weights is not there" in lost.check_error
    assert [result.model for result in prediction.results.all()] == [kept]


@pytest.mark.parametrize(
    "fault", [MemoryError(), OSError("stale file handle"), RuntimeError("CUDA error: device-side assert triggered")]
)
def test_a_fault_of_the_machine_is_no_verdict_on_a_model_and_the_next_look_tries_anew(tiny_models, monkeypatch, fault):
    def fails(models):
        raise fault

    with monkeypatch.context() as at_this_moment:
        at_this_moment.setattr(checking, "make_ensemble", fails)
        for _look in range(2):
            with suppress(DeviceLostError):  # another process is to look
                checking.check_new_models()
    model = DiagnosticModel.objects.first()
    assert model.check_error
    assert model.history.count() == 2  # registered, and noted once
    assert not DiagnosticModel.objects.voting().exists()
    checking.check_new_models()
    assert list(DiagnosticModel.objects.voting()) == tiny_models


def test_a_device_that_is_not_there_is_no_verdict_either(tiny_models, settings):
    settings.INFERENCE_DEVICE = "cuda:7"
    checking.check_new_models()
    assert DiagnosticModel.objects.unchecked().count() == len(tiny_models)
    settings.INFERENCE_DEVICE = "cpu"
    checking.check_new_models()
    assert list(DiagnosticModel.objects.voting()) == tiny_models


def test_an_administrator_has_a_model_tried_again(tiny_models, admin_client):
    DiagnosticModel.objects.update(checked_at=timezone.now(), check_error="RuntimeError: of last week")
    chosen = {"action": "retry", "_selected_action": [model.pk for model in tiny_models]}
    answer = admin_client.post("/admin/inference/diagnosticmodel/", chosen, follow=True)
    assert "A worker tries 2 models again." in answer.text
    checking.check_new_models()
    assert list(DiagnosticModel.objects.voting()) == tiny_models


def test_weights_that_are_lost_later_fail_the_prediction_at_once(asked, tiny_models):
    checking.check_new_models()
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
    checking.check_new_models()
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
    checking.check_new_models()
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


# -- Who comes first --------------------------------------------------------------------------------------------------


def claimed_in_turn() -> list[list[int]]:
    """Batch by batch, the keys that workers claim until nothing is left."""
    return [[p.pk for p in batch] for batch in iter(worker.claim, [])]


def test_what_is_urgent_is_claimed_first_and_waits_for_no_others_in_its_batch(asked, make_xray, clinician):
    first, second = asked(2)
    [urgent] = ask([make_xray(seed=9)], by=clinician, urgent=True).predictions
    assert claimed_in_turn() == [[urgent.pk], [first.pk, second.pk]]


def test_nobody_waits_for_ever_behind_what_is_urgent(asked, make_xray, clinician, settings):
    settings.MAX_BATCH_SIZE = 1
    calm, forgotten = asked(2)
    [urgent] = ask([make_xray(seed=9)], by=clinician, urgent=True).predictions
    long_ago = timezone.now() - timedelta(minutes=settings.PREDICTION_MAX_WAIT_MINUTES)
    Prediction.objects.filter(pk=forgotten.pk).update(created_at=long_ago)
    assert claimed_in_turn() == [[forgotten.pk], [urgent.pk], [calm.pk]]


def test_what_waits_is_urgent_once_somebody_says_so_and_what_is_answered_no_more(asked, clinician, settings):
    settings.MAX_BATCH_SIZE = 1
    answered, waiting, hurried = asked(3)
    Prediction.objects.filter(pk=answered.pk).update(status=Status.COMPLETED)
    assert hurry(Prediction.objects.filter(pk__in=[answered.pk, hurried.pk]), by=clinician) == 1
    assert claimed_in_turn() == [[hurried.pk], [waiting.pk]]
    answered.refresh_from_db()
    assert not answered.is_urgent
    assert hurried.history.first().history_change_reason == "Urgent"


def test_a_batch_that_is_cancelled_while_the_models_look_is_given_up_at_once(
    asked, tiny_models, clinician, monkeypatch
):
    checking.check_new_models()
    asked(2)
    looked = []

    def look_on(ensemble, pictures, heatmaps, progress):
        cancel(Prediction.objects.all(), by=clinician)
        progress(0.5)
        looked.append("to the end")

    monkeypatch.setattr(voting.Ensemble, "predict", look_on)
    assert worker.answer(worker.claim()) == 0
    assert not looked
    assert set(Prediction.objects.values_list("status", flat=True)) == {Status.CANCELLED}


# -- Who says that a worker lives, and on what -------------------------------------------------------------------------


def test_only_a_running_worker_counts_as_one():
    worker.answer_waiting()
    tasks.answer_waiting()
    assert "No inference worker" in health.worker_is_alive()


def test_a_worker_that_is_killed_soon_counts_no_more():
    Worker.objects.create(name="one", beat_at=timezone.now() - Worker.BEATS_EVERY)
    assert health.worker_is_alive() is None
    Worker.objects.update(beat_at=timezone.now() - timedelta(seconds=61))
    assert "silent for 61 s" in health.worker_is_alive()


@pytest.mark.parametrize(
    ("wanted", "driver", "trouble", "level"),
    [
        ("cpu", False, "", "INFO"),
        ("auto", False, "no_gpu", "WARNING"),
        ("auto", True, "gpu_unusable", "WARNING"),
        ("cuda", False, "no_such_device", "ERROR"),
        ("cuda:7", True, "no_such_device", "ERROR"),
        ("toaster", False, "no_such_device", "ERROR"),
    ],
)
def test_a_worker_says_what_it_computes_on_and_what_is_not_as_it_should_be(
    wanted, driver, trouble, level, settings, monkeypatch, tmp_path, caplog
):
    settings.INFERENCE_DEVICE = wanted
    monkeypatch.setattr(devices.torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(devices, "NVIDIA", tmp_path if driver else tmp_path / "none")
    monkeypatch.setattr(chosen_device, "of", cache(chosen_device.of.__wrapped__))
    monkeypatch.setattr(chosen_device, "_announced", "")
    monkeypatch.setattr(heartbeat, "_own", Worker(name="this one"))
    chosen_device.announce()
    chosen_device.announce()
    said = Worker.objects.get()
    assert (said.device, said.trouble) == ("" if trouble == "no_such_device" else "cpu", trouble)
    assert [record.levelname for record in caplog.records if record.name == "inference.chosen_device"] == [level]
    assert bool(health.worker_is_alive()) == (trouble == "no_such_device")


def test_workers_spread_over_the_gpus_and_one_that_dies_gives_its_place_back(tmp_path):
    fork = multiprocessing.get_context("fork")
    told = fork.SimpleQueue()

    def hold() -> None:
        told.put(devices.take_place(2, tmp_path))
        signal.pause()

    assert devices.take_place(2, tmp_path) == 0
    other = fork.Process(target=hold)
    other.start()
    assert told.get() == 1
    other.kill()
    other.join()
    assert [devices.take_place(2, tmp_path) for _worker in range(3)] == [1, 0, 1]  # then they share


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
        return refusal, b""

    monkeypatch.setattr(suitability, "looked_at", hide_and_look)
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
