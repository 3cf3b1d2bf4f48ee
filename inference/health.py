"""Readiness of the second opinion: is a worker alive, and does nobody wait too long?"""

from datetime import timedelta

from django.utils import timezone

from backoffice.web.health import check, remark
from inference.figures import drift_words, mornings
from inference.models import Prediction, Worker

LONGEST_WAIT = timedelta(minutes=15)


@check("inference worker")
def worker_is_alive() -> str | None:
    newest = Worker.objects.order_by("-beat_at").first()
    if newest is None:
        return "No inference worker has reported yet: run `Q_CLUSTER_NAME=inference manage.py qcluster`."
    silence = timezone.now() - newest.beat_at
    if silence > Worker.LONGEST_SILENCE:
        return f"The inference worker has been silent for {silence.total_seconds():.0f} s."
    alive = Worker.objects.alive()
    if not alive.exclude(trouble=Worker.Trouble.NO_SUCH_DEVICE).exists():
        return f"The inference worker has no device to work on: {newest.detail}"
    return None


@check("oldest pending prediction")
def nobody_waits_too_long() -> str | None:
    oldest = Prediction.objects.waiting().values_list("created_at", flat=True).first()
    waited = timezone.now() - oldest if oldest else timedelta()
    return f"A prediction has waited for {waited.total_seconds():.0f} s." if waited > LONGEST_WAIT else None


@remark("morning check")
def models_answer_as_they_did() -> str | None:
    """Softly: a site that is taken away for it would help nobody. What it is, strangers are not told."""
    n = len(mornings.told_today())
    return f"{n} of the morning check's findings are open: see Figures in the admin." if n else None


@remark("drift")
def films_look_as_they_did() -> str | None:
    return "Films or answers drift: see Figures in the admin." if drift_words.told_today() else None
