"""A signed answer's reports, on the page of its film."""

from typing import Any

from django.contrib.auth.models import AnonymousUser

from backoffice.models import User
from inference.dicom_results.optional import has_structured
from inference.models import Prediction, Report
from inference.reports.publishing import may_publish


def results_of(prediction: Prediction, user: User | AnonymousUser) -> dict[str, Any]:
    """What the answer's card offers to this person: the reports, and whether it can be had as a structured one."""
    return {**reports_of(prediction, user), "has_structured": has_structured() and may_have_structured(user)}


def reports_of(prediction: Prediction, user: User | AnonymousUser) -> dict[str, Any]:
    """What the answer's card shows of them to this person: the versions, and whether one can be begun."""
    if not prediction.is_validated or not user.has_perm("inference.view_report"):
        return {"reports": [], "may_report": False}
    reports = list(Report.objects.seen_by(user).filter(prediction=prediction, hidden_at=None).order_by("version"))
    is_reported = prediction.verdict == Prediction.Verdict.REJECTED or bool(reports)
    return {"reports": reports, "may_report": may_publish(user) and not is_reported and not prediction.is_gone}


def may_have_structured(user: User | AnonymousUser) -> bool:
    """Whether this person may be given answers as structured reports. Of which, sees_answer says."""
    return user.has_perms(["inference.view_report", "inference.view_prediction", "imaging.view_xrayimage"])
