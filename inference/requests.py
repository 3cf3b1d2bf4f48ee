"""Asking the models: one pending prediction per X-ray, within each person's daily limit; the urgent ones first."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from backoffice.jobs.nudges import nudge
from backoffice.models import User
from backoffice.records.locks import lock_by_key
from imaging.models import XRayImage
from inference.models import Batch, DiagnosticModelQuerySet, Prediction, PredictionQuerySet

ANSWER_WAITING = "inference.tasks.answer_waiting"


@dataclass
class Asked:
    """What became of a request: the rows made, the X-rays asked about already, how many of those are urgent from now
    on, and the X-rays over the daily limit."""

    predictions: list[Prediction] = field(default_factory=list)
    hurried: int = 0
    already: list[XRayImage] = field(default_factory=list)
    over_limit: list[XRayImage] = field(default_factory=list)


@transaction.atomic
def ask(xrays: Iterable[XRayImage], *, by: User, urgent: bool = False) -> Asked:
    """Queue a second opinion on each X-ray for `by`, and wake a worker once this is committed. Asked again as urgent,
    what waits already is urgent from then on."""
    # The person's row is the lock: two windows of one person cannot both spend the last of the day's limit.
    get_user_model().objects.select_for_update().get(pk=by.pk)
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    left = settings.MAX_PREDICTIONS_PER_DAY - by.predictions.filter(created_at__gte=today).count()

    xrays, asked = list(xrays), Asked()
    # In everybody's order, or two people with the same films from either end would wait for each other.
    lock_by_key(XRayImage, [xray.pk for xray in xrays])
    batch = None
    for xray in xrays:
        if xray.predictions.visible().unfinished().exists():
            asked.already.append(xray)
        elif len(asked.predictions) >= left:
            asked.over_limit.append(xray)
        else:
            batch = batch or Batch.objects.create(asked_by=by)
            prediction = Prediction(xray=xray, requested_by=by, is_urgent=urgent, batch=batch)
            asked.predictions.append(_queue(prediction, by=by, reason=gettext_noop("Asked")))
    if urgent:
        asked.hurried = hurry(Prediction.objects.filter(xray__in=asked.already), by=by)
    if asked.predictions:
        wake_a_worker()
    return asked


def _queue(prediction: Prediction, *, by: User, reason: str) -> Prediction:
    prediction._history_user, prediction._change_reason = by, reason
    prediction.save()
    return prediction


@transaction.atomic
def hurry(predictions: PredictionQuerySet, *, by: User) -> int:
    """Make urgent what is not answered yet. Returns how many were not so before."""
    calm = predictions.visible().unfinished().filter(is_urgent=False)
    hurried = [
        pk
        for pk in calm.order_by("pk").values_list("pk", flat=True)
        if Prediction.objects.filter(pk=pk, is_urgent=False).unfinished().update(is_urgent=True)
    ]
    _note(hurried, by=by, reason=gettext_noop("Urgent"))
    return len(hurried)


@transaction.atomic
def retry(predictions: PredictionQuerySet, *, by: User) -> int:
    """Put what failed back into the queue, as if it had never been tried. Returns how many."""
    failed = predictions.visible().filter(status=Prediction.Status.FAILED)
    lock_by_key(XRayImage, failed.order_by().values_list("xray", flat=True))
    rows = list(failed.order_by("pk").select_for_update(of=("self",), no_key=True))
    retried, batch = 0, None
    for row in rows:
        if row.xray.predictions.visible().unfinished().exists():
            continue
        row.status, row.attempts, row.progress, row.error = Prediction.Status.PENDING, 0, 0, ""
        row.lease_token, row.lease_until = "", None
        row.batch = batch = batch or Batch.objects.create(asked_by=by)  # who tries again hears how that ends
        _queue(row, by=by, reason=gettext_noop("Tried again"))
        retried += 1
    if retried:
        wake_a_worker()
    return retried


@transaction.atomic
def cancel(predictions: PredictionQuerySet, *, by: User) -> int:
    """Stop what has not been answered yet; a worker notices when it comes to save. Returns how many."""
    # A worker may be saving its answer at this moment: whoever's UPDATE comes first has the row.
    cancelled = [
        pk
        for pk in predictions.visible().unfinished().order_by("pk").values_list("pk", flat=True)
        if Prediction.objects.filter(pk=pk)
        .unfinished()
        .update(status=Prediction.Status.CANCELLED, lease_token="", finished_at=timezone.now())
    ]
    _note(cancelled, by=by, reason=gettext_noop("Not needed any more"))
    return len(cancelled)


def _note(changed: list[int], *, by: User, reason: str) -> None:
    """Write the history of rows that an UPDATE has changed."""
    rows = Prediction.objects.filter(pk__in=changed)
    Prediction.history.bulk_history_create(rows, update=True, default_user=by, default_change_reason=reason)


@transaction.atomic
def try_again(models: DiagnosticModelQuerySet, *, by: User) -> int:
    """Have a worker try the weights anew, whatever it found before. Returns how many models that were."""
    rows = list(models.visible().select_for_update(of=("self",), no_key=True).order_by("pk"))
    for model in rows:
        model.checked_at, model.check_error, model.findings = None, "", []
        model.check_progress = model.attempts = 0
        model._history_user, model._change_reason = by, gettext_noop("To be tried again")
        model.save()
    if rows:
        wake_a_worker()
    return len(rows)


def wake_a_worker() -> None:
    nudge(ANSWER_WAITING, cluster=settings.INFERENCE_CLUSTER)
