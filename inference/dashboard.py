"""What waits for a clinician, and what the models are at, on the admin's first page."""

from django.db.models import Avg, Count, Q

from backoffice.dashboard import block
from inference.models import Prediction

SHOWN = 5


@block(order=20, permission="inference.change_prediction", template="inference/dashboard_review.html", columns=7)
def waiting_for_a_clinician(request) -> dict:
    waiting = Prediction.objects.needs_review()
    return {
        "count": waiting.count(),
        # Who has waited longest comes first.
        "predictions": waiting.select_related("xray__patient").order_by("finished_at")[:SHOWN],
    }


@block(order=30, permission="inference.view_prediction", template="inference/dashboard_running.html", columns=5)
def running(request) -> dict:
    """Unfinished predictions by who asked, and what failed and was not tried again."""
    visible = Prediction.objects.visible()
    return {
        "batches": visible.unfinished()
        .values("requested_by__first_name", "requested_by__last_name", "requested_by__username")
        .annotate(pictures=Count("pk"), progress=Avg("progress"), running=Count("pk", Q(status="processing")))
        .order_by("requested_by"),
        "failed": visible.filter(status=Prediction.Status.FAILED).count(),
    }
