"""What must agree about reports, for `check_integrity`, and what has had its time, for `purge`."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta

from django.core.files.storage import default_storage
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.files.kept import age_of, names_below
from backoffice.jobs.registry import check, purge, take_out
from inference.figures.drift import reference_in_force
from inference.models import Embedding, Report
from inference.reports import retention

FOLDER = "reports"
A_YEAR = timedelta(days=365)
PUBLISHING = timedelta(days=1)  # a file is there before its row says so


@check(gettext_noop("reports"))
def reports_are_what_was_published() -> Iterator[str]:
    """Reads every one of them."""
    rows = Report.objects.published().exclude(pdf="").order_by("pk").values_list("pk", "pdf", "sha256")
    for key, name, sha256 in rows.iterator(500):
        told = {"key": key, "name": name}
        try:
            with default_storage.open(name) as file:
                is_whole = hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except OSError:
            yield _("Report %(key)d lacks its PDF: %(name)s cannot be read. Restore it from a backup.") % told
        else:
            if not is_whole:
                what = _("The PDF of report %(key)d, %(name)s, is not what was published. Restore it from a backup.")
                yield what % told


@purge(gettext_noop("drafts of reports beyond REPORT_RETENTION_DAYS"))
def old_drafts(*, dry_run: bool) -> int:
    drafts = retention.old_drafts()
    return drafts.count() if dry_run else sum(retention.take_out(draft) for draft in list(drafts))


@purge(gettext_noop("published reports beyond the time of the law"))
def old_reports(*, dry_run: bool) -> int:
    reports = list(retention.beyond_the_law())
    return len(reports) if dry_run else sum(retention.take_out(report) for report in reports)


@purge(gettext_noop("PDFs of reports that were never published"))
def unpublished_files(*, dry_run: bool) -> int:
    """Whoever was killed between keeping the file and publishing it left it."""
    gone = 0
    for name in list(names_below(FOLDER)):
        if age_of(name) > PUBLISHING and not Report.objects.filter(pdf=name).exists():
            gone += 1
            if not dry_run:
                default_storage.delete(name)
    return gone


@purge(gettext_noop("how films looked that are compared with no others any more"))
def old_embeddings(*, dry_run: bool) -> int:
    """Of films older than a year, and than the reference period in force."""
    reference = reference_in_force()
    before = timezone.now() - A_YEAR
    if reference:
        before = min(before, reference.starts_at)
    return take_out(Embedding.objects.filter(prediction__created_at__lt=before), dry_run=dry_run)
