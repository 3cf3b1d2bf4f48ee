"""The queue's other end: claim waiting predictions, run the models, save the answers. Knows nothing of tensors.

A row in state `pending` is the job; a task of django-q2 is only the nudge that brings a worker here. How rows are
claimed, held and let go is in backoffice/records/leases.py.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from django.utils.translation import gettext_noop
from simple_history.utils import bulk_create_with_history

from backoffice.files.apart import Undone
from backoffice.records.hangs_on import lock_with_above
from backoffice.traced import of_request
from imaging import pixels
from imaging.decoded import Refused
from imaging.derived import open_pixels
from imaging.quality import of_the_picture
from inference import batches, failures, suitability
from inference.calibrating import Doubts, calibrated, how
from inference.models import DiagnosticModel, Embedding, ModelResult, Prediction
from inference.nn import devices
from inference.nn.consensus import Vote, decide
from inference.nn.devices import DeviceLostError
from inference.nn.engine import ModelAnswer, WeightsError
from inference.registry.checking import check_new_models
from inference.registry.shadow import answer_beside
from inference.requests import wake_a_worker
from inference.voting import CannotAnswerError, columns_of, ensemble_in_force, forget_the_ensemble, tune_the_models

logger = logging.getLogger(__name__)

BACK_OFF = timedelta(seconds=10)  # before the second attempt; four times as long before the third
SECONDS_PER_NUDGE = 300  # well within the cluster's task timeout; what is left gets a nudge of its own
RENEWALS_PER_LEASE = 6
SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 5  # seconds between two attempts to write

Status = Prediction.Status


def answer_waiting(*, looks_after_models: bool = True) -> int:
    """Answer until nothing waits, or for about SECONDS_PER_NUDGE. Returns how many predictions were finished. Raises
    DeviceLostError where another process has to go on.

    With `looks_after_models`, time that nobody needs goes to them: new ones are tried, each one's fastest way is looked
    for, and those in the shadow are asked.
    """
    started, finished = time.monotonic(), 0

    def has_time() -> bool:
        return time.monotonic() - started <= SECONDS_PER_NUDGE

    check_new_models(DiagnosticModel.objects.filter(is_active=True))
    while predictions := claim():
        finished += answer(predictions)
        tell_who_asked()
        if not has_time():
            wake_a_worker()
            return finished

    def goes_on() -> bool:
        return has_time() and not Prediction.objects.waiting().exists()

    if looks_after_models:
        check_new_models()
        tune_the_models(goes_on)
        answer_beside(goes_on)
    return finished


def tell_who_asked() -> None:
    """What is answered is saved: where telling of it fails, a schedule tells within a minute."""
    try:
        batches.tell_who_asked()
    except Exception:
        logger.exception("who asked is told a minute later")


# -- Claiming ---------------------------------------------------------------------------------------------------------


def claim() -> list[Prediction]:
    """Take the oldest waiting predictions, up to MAX_BATCH_SIZE of them: of those that press, where any do, and they
    wait for no others in their batch. Those that are hopeless fail first."""
    give_up_on_the_hopeless()
    started: dict[str, Any] = {"status": Status.PROCESSING, "started_at": timezone.now(), "progress": 0}
    waiting = Prediction.objects.waiting()
    for queue in (waiting.pressing(), waiting):
        if claimed := queue.claim(settings.MAX_BATCH_SIZE, lease=lease(), **started):
            return claimed
    return []


def lease() -> timedelta:
    return timedelta(seconds=settings.PREDICTION_LEASE_SECONDS)


def give_up_on_the_hopeless() -> None:
    """Fail what has brought down its worker on every attempt."""
    for prediction in Prediction.objects.waiting().hopeless():
        fail(
            prediction,
            failures.STOPPED(n=prediction.attempts),
        )


# -- Running ----------------------------------------------------------------------------------------------------------


def answer(predictions: list[Prediction]) -> int:
    """Run the ensemble on claimed predictions and save what it says. Returns how many are finished, well or not."""
    readable, pictures = read_pictures(predictions)
    try:
        models, ensemble = ensemble_in_force()
        answers = ensemble.predict(pictures, settings.INFERENCE_HEATMAPS, Progress(readable)) if readable else []
    except NobodyWaitsError:
        return len(predictions) - len(readable)
    except (CannotAnswerError, WeightsError) as error:
        return sum(fail(prediction, str(error)) for prediction in readable)
    except Exception as error:
        logger.exception("a batch of %d failed", len(readable))
        gave_up = sum(patiently(partial(put_back_or_fail, prediction)) for prediction in readable)
        forget_the_ensemble()
        if devices.has_failed(error):
            raise DeviceLostError(f"{type(error).__name__}: {error}") from error
        return gave_up
    finished, doubts = len(predictions) - len(readable), Doubts(models)
    for prediction, picture_answers in zip(readable, answers, strict=True):
        finished += keep(prediction, picture_answers, doubts, ensemble.provenance)
    return finished


class NobodyWaitsError(Exception):
    """All of a batch is cancelled, or has lost its lease: nobody wants the answers any more."""


def read_pictures(predictions: Iterable[Prediction]) -> tuple[list[Prediction], list[np.ndarray]]:
    """The canonical pictures, uint8 H×W. One that cannot be read fails alone, at once."""
    readable, pictures = [], []
    for prediction in predictions:
        try:
            with open_pixels(prediction.xray) as file:
                picture = pixels.decode(file.read())
        except (OSError, ValueError, Refused, Undone):
            fail(prediction, failures.UNREADABLE)
        else:
            refusal, prediction.looks = suitability.looked_at(picture)
            if refusal:
                decline(prediction, refusal)
                continue
            readable.append(prediction)
            pictures.append(picture)
    return readable, pictures


class Progress:
    """Writes the batch's progress and renews its lease, so that a long run is not taken for a dead worker."""

    def __init__(self, predictions: Iterable[Prediction]) -> None:
        self.batch = Prediction.objects.held(predictions)
        self.interval = settings.PREDICTION_LEASE_SECONDS / RENEWALS_PER_LEASE
        self.written_at = 0.0
        self.written = 0

    def __call__(self, fraction: float) -> None:
        """`fraction` is the share that is done, 0 to 1."""
        percent = int(100 * fraction)
        elapsed = time.monotonic() - self.written_at
        if elapsed >= self.interval or (percent > self.written and elapsed >= 0.5):
            self._write(percent)
            self.written_at, self.written = time.monotonic(), percent

    def _write(self, percent: int) -> None:
        """Raises NobodyWaitsError. A database that is away now may be back when the answers are there."""
        try:
            held = self.batch.update(progress=percent, lease_until=timezone.now() + lease())
        except AWAY as error:
            note_away(error)
        else:
            if not held:
                raise NobodyWaitsError


# -- Saving -----------------------------------------------------------------------------------------------------------

AWAY = (OperationalError, InterfaceError)
"""What a database raises that is gone, locked or full at this moment."""


def patiently(write: Callable[[], bool]) -> bool:
    """Do it again and again while the database is away, for as long as a lease would last, so that nothing has to be
    computed twice for a fault that passes."""
    until = time.monotonic() + settings.PREDICTION_LEASE_SECONDS
    for attempt in count():
        try:
            return write()
        except AWAY as error:
            if connection.in_atomic_block or time.monotonic() > until:
                raise
            note_away(error)
        time.sleep(min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**attempt))
    raise AssertionError("count() has an end")


def note_away(error: Exception) -> None:
    logger.warning("the database takes nothing at this moment: %s", error)
    if not connection.in_atomic_block:
        connection.close()  # the next question opens another


def keep(prediction: Prediction, answers: list[ModelAnswer], doubts: Doubts, provenance: dict) -> bool:
    """Save, or have it tried again where that fails. One that stays away is left to who comes when it is back."""
    try:
        return patiently(partial(save, prediction, answers, doubts, provenance))
    except AWAY:
        raise
    except Exception:
        with of_request(prediction.request_id):
            logger.exception("prediction %d cannot be saved", prediction.pk)
        return patiently(partial(put_back_or_fail, prediction))


@transaction.atomic
def save(prediction: Prediction, answers: list[ModelAnswer], doubts: Doubts, provenance: dict) -> bool:
    """Save one prediction's answers, once. False where the lease is no longer ours (then somebody else has it, or a
    person cancelled it) or the film is hidden by now, and what we have is thrown away."""
    models = doubts.models
    answers = [calibrated(answer, model.vector_scaling) for model, answer in zip(models, answers, strict=True)]
    consensus = decide(
        [
            Vote(answer.model, answer.probabilities, weight=model.vote_weight, is_demo=model.is_demo)
            for model, answer in zip(models, answers, strict=True)
        ],
        threshold=settings.CONFIDENCE_THRESHOLD,
        quality_issues=of_the_picture(prediction.xray.quality_issues),
        said=suitability.said_of(prediction.xray),
    )
    ours = complete(
        prediction,
        diagnosis=consensus.diagnosis,
        confidence=consensus.confidence,
        agreement=consensus.agreement,
        needs_review=consensus.needs_review,
        review_reasons=consensus.reasons,
        doubt=doubts.of(consensus),
        provenance={
            **provenance,
            "probabilities": consensus.probabilities,
            "threshold": settings.CONFIDENCE_THRESHOLD,
            "file_sha256": prediction.xray.sha256,
            "pixels_sha256": sha256_of(prediction.xray.pixels),
            "models": [
                {
                    "name": model.name,
                    "version": model.version,
                    "sha256": answer.sha256,
                    "calibration": how(model),
                    "weight": model.vote_weight,
                    "preprocessing": {name: getattr(model, name) for name in DiagnosticModel.PREPROCESSING},
                }
                for model, answer in zip(models, answers, strict=True)
            ],
        },
    )
    if ours:
        bulk_create_with_history(
            [
                ModelResult(
                    **columns_of(prediction, model, answer),
                    heatmap=None if answer.heatmap is None else pixels.encode(answer.heatmap),
                )
                for model, answer in zip(models, answers, strict=True)
            ],
            ModelResult,
            default_user=prediction.requested_by,
        )
    return ours


def decline(prediction: Prediction, refusal: dict) -> bool:
    """Answer without a diagnosis: no model is asked about what is no frontal chest film, and a clinician looks."""
    return complete(
        prediction,
        needs_review=True,
        review_reasons=[
            refusal,
            *suitability.said_of(prediction.xray),
            *suitability.flaws(prediction.xray.quality_issues),
        ],
        provenance={"file_sha256": prediction.xray.sha256, "pixels_sha256": sha256_of(prediction.xray.pixels)},
    )


@transaction.atomic
def complete(prediction: Prediction, **values: Any) -> bool:
    """Write an answer, unless the film or its patient was hidden while the models looked: then it waits, as if it had
    not been tried, and is asked again once they are restored."""
    lock_with_above(prediction)
    if Prediction.objects.select_related("xray__patient").get(pk=prediction.pk).is_gone:
        prediction.put_back(timedelta(), status=Status.PENDING, progress=0, attempts=F("attempts") - 1)
        return False
    ours = close(prediction, Status.COMPLETED, progress=100, error="", **values)
    if ours and prediction.looks:
        Embedding.objects.create(prediction=prediction, made_by=Embedding.MADE_BY, numbers=prediction.looks)
    return ours


def sha256_of(field_file: FieldFile) -> str:
    with field_file.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fail(prediction: Prediction, why: str) -> bool:
    """Give up on a prediction, with a reason that a person can act on."""
    return close(prediction, Status.FAILED, error=why)


def put_back_or_fail(prediction: Prediction) -> bool:
    """After an error that another attempt may mend: wait a little longer each time, then give up. True: gave up."""
    if prediction.attempts >= Prediction.MAX_ATTEMPTS:
        return fail(
            prediction,
            failures.NO_ANSWER(n=prediction.attempts),
        )
    wait = BACK_OFF * 4 ** (prediction.attempts - 1)
    prediction.put_back(wait, status=Status.PENDING, progress=0)
    return False


@transaction.atomic
def close(prediction: Prediction, status: Status, **values: object) -> bool:
    """Write the end of a prediction and its history, unless somebody else has the row by now."""
    now = timezone.now()
    ours = prediction.finish(status=status, finished_at=now, updated_at=now, **values)
    if ours:
        Prediction.history.bulk_history_create(
            [Prediction.objects.get(pk=prediction.pk)],
            update=True,
            default_user=prediction.requested_by,
            default_change_reason=gettext_noop("Written by a worker, for who asked"),
        )
        with of_request(prediction.request_id):
            logger.info("prediction %d is %s after attempt %d", prediction.pk, status, prediction.attempts)
    return ours
