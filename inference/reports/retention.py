"""How long reports are kept, and what is taken out after that.

A published report is part of the medical record, whether it was amended or withdrawn since: Taiwan's Medical Care Act
(醫療法), article 70, has it kept for seven years, a minor's for seven years beyond their majority; article 68 wants
what was corrected to stay legible. REPORT_RETENTION_DAYS is for what no law keeps, the drafts, and keeps the others
longer where it is longer. What somebody holds stays.
"""

import datetime
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import ProtectedError, Q
from django.utils import timezone

from inference.models import Hold, Report, ReportQuerySet

YEARS = 7
MAJORITY = 18  # years of age, since 2023


def _years_after(day: datetime.date, years: int) -> datetime.date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year + years, month=3, day=1)


def kept_until(report: Report) -> datetime.date:
    """The first day on which a published report may be taken out."""
    published_at = report.published_at or report.created_at
    published = timezone.localdate(published_at)
    patient = report.patient or report.prediction.xray.patient
    by_law = _years_after(published, YEARS)
    of_age = _years_after(patient.date_of_birth, MAJORITY)
    if published < of_age:
        by_law = max(by_law, _years_after(of_age, YEARS))
    return max(by_law, published + timedelta(days=settings.REPORT_RETENTION_DAYS))


def old_drafts() -> ReportQuerySet:
    """Drafts that nobody has touched for so long, and nobody holds."""
    since = timezone.now() - timedelta(days=settings.REPORT_RETENTION_DAYS)
    return _not_held(Report.objects.filter(status=Report.Status.DRAFT, updated_at__lt=since))


def beyond_the_law() -> Iterator[Report]:
    """Published reports whose time is over."""
    today = timezone.localdate()
    oldest = timezone.now() - timedelta(days=YEARS * 365)
    rows = _not_held(Report.objects.published().filter(published_at__lt=oldest))
    for report in rows.select_related("patient", "prediction__xray__patient").iterator(500):
        if kept_until(report) <= today:
            yield report


def _not_held(reports: ReportQuerySet) -> ReportQuerySet:
    holds = Hold.objects.filter(hidden_at=None).order_by()
    patients, single = holds.exclude(patient=None).values("patient"), holds.exclude(report=None).values("report")
    return reports.exclude(
        Q(pk__in=single) | Q(patient__in=patients) | Q(prediction__xray__patient__in=patients)
    ).order_by("pk")


def take_out(report: Report) -> bool:
    """With its history and its file. False where something hangs on it that is kept, such as a hold of this moment."""
    try:
        with transaction.atomic():
            Hold.objects.hidden().filter(report=report).delete()  # those that are lifted
            Report.objects.filter(pk=report.pk).delete()
            report.history.all().delete()
    except ProtectedError:
        return False
    if report.pdf:
        with suppress(OSError):
            default_storage.delete(str(report.pdf.name))
    return True
