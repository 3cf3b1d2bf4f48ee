"""A signed answer's reports, on the page of its film."""

from typing import Any

from django.contrib.auth.models import AnonymousUser

from backoffice.models import User
from inference.models import Prediction, Report
from inference.reports.publishing import may_publish


def reports_of(prediction: Prediction, user: User | AnonymousUser) -> dict[str, Any]:
    """What the answer's card shows of them to this person: the versions, and whether one can be begun."""
    if not prediction.is_validated or not user.has_perm("inference.view_report"):
        return {"reports": [], "may_report": False}
    reports = list(Report.objects.seen_by(user).filter(prediction=prediction, hidden_at=None).order_by("version"))
    is_reported = prediction.verdict == Prediction.Verdict.REJECTED or bool(reports)
    return {"reports": reports, "may_report": may_publish(user) and not is_reported and not prediction.is_gone}
