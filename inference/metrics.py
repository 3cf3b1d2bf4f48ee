"""How the second opinion is doing: what waits, who answers, what has shifted."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from backoffice.measuring.figures import Figure, age, reading
from inference.figures import drift_words, mornings
from inference.models import Prediction, Worker

A_DAY = timedelta(days=1)

Status = Prediction.Status


@reading("predictions")
def predictions() -> Iterator[Figure]:
    rows = Prediction.objects.visible().order_by()
    waiting = rows.unfinished().aggregate(
        all=Count("pk"),
        urgent=Count("pk", filter=Q(is_urgent=True)),
        at_work=Count("pk", filter=Q(status=Status.PROCESSING)),
        oldest=Min("created_at", filter=Q(status=Status.PENDING)),
    )
    yield Figure("predictions_unfinished", "Predictions that wait or are being answered.", waiting["all"])
    yield Figure("predictions_urgent", "Those of them that are urgent.", waiting["urgent"])
    yield Figure("predictions_at_work", "Those of them that a worker has.", waiting["at_work"])
    yield Figure("predictions_oldest_age_seconds", "How long the oldest has waited.", age(waiting["oldest"]))
    since = timezone.now() - A_DAY
    ended = rows.filter(finished_at__gt=since, status__in=(Status.COMPLETED, Status.FAILED))
    by_status = dict(ended.values_list("status").annotate(n=Count("pk")))
    for status in (Status.COMPLETED, Status.FAILED):
        what = "Predictions that ended in the last 24 hours, by how."
        yield Figure("predictions_ended_within_a_day", what, by_status.get(status, 0), {"status": status})


@reading("workers")
def workers() -> Iterator[Figure]:
    alive = Worker.objects.alive().aggregate(n=Count("pk"), troubled=Count("pk", filter=~Q(trouble="")))
    newest = Worker.objects.aggregate(at=Max("beat_at"))["at"]
    yield Figure("inference_workers_alive", "Inference workers that were heard of within a minute.", alive["n"])
    yield Figure("inference_workers_troubled", "Those of them that say something is wrong.", alive["troubled"])
    yield Figure("inference_heartbeat_age_seconds", "Since any was heard of; 0: none ever was.", age(newest))


@reading("drift")
def drift() -> Iterator[Figure]:
    yield Figure("drift_findings", "What drifts as things stand.", len(drift_words.told_today()))
    yield Figure("morning_findings", "What the morning check found and nobody has settled.", len(mornings.told_today()))
