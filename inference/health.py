"""Readiness of the second opinion: is a worker alive, and does nobody wait too long?"""

from datetime import timedelta

from django.core.cache import cache
from django.utils import timezone

from backoffice.web.health import check
from inference.models import Prediction

HEARTBEAT = "inference.heartbeat"
LONGEST_SILENCE = timedelta(minutes=3)  # a nudge comes every minute
LONGEST_WAIT = timedelta(minutes=15)


def beat() -> None:
    """A running worker says that it lives. Who answers predictions elsewhere, as the demonstration does, is none."""
    cache.set(HEARTBEAT, timezone.now(), timeout=None)


@check("inference worker")
def worker_is_alive() -> str | None:
    last = cache.get(HEARTBEAT)
    if last is None:
        return "No inference worker has reported yet: run `Q_CLUSTER_NAME=inference manage.py qcluster`."
    silence = timezone.now() - last
    if silence > LONGEST_SILENCE:
        return f"The inference worker has been silent for {silence.total_seconds():.0f} s."
    return None


@check("oldest pending prediction")
def nobody_waits_too_long() -> str | None:
    oldest = Prediction.objects.waiting().values_list("created_at", flat=True).first()
    waited = timezone.now() - oldest if oldest else timedelta()
    return f"A prediction has waited for {waited.total_seconds():.0f} s." if waited > LONGEST_WAIT else None
