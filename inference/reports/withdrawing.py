"""What was published from a signature does not outlive it: where the signature is taken back, as by a film that turns
out to be another's, the reports are withdrawn, and they and the drafts are hidden."""

from django.db import transaction
from django.db.models.signals import post_save
from django.utils.translation import gettext_noop

from backoffice.models import User
from backoffice.records.mixins import REASON_LENGTH
from inference.models import Prediction, Report
from inference.reports.publishing import withdraw_all

UNDONE = gettext_noop("The signature was undone")


def connect() -> None:
    post_save.connect(_signature_taken_back, sender=Prediction, dispatch_uid="withdraw_reports")


def _signature_taken_back(instance: Prediction, created: bool, **kwargs: object) -> None:
    if created or instance.is_validated or instance.status != Prediction.Status.COMPLETED:
        return
    reports = Report.objects.filter(prediction=instance, hidden_at=None)
    if not reports.exists():
        return
    by: User | None = getattr(instance, "_history_user", None)
    reason = str(getattr(instance, "_change_reason", None) or UNDONE)
    with transaction.atomic():
        withdraw_all(reports, by=by, reason=reason)
        reports.hide(by=by, reason=reason[:REASON_LENGTH])
