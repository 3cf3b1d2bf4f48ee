"""The runs of an import: one checks and writes nothing, the other writes once a person has confirmed.

A TableImport row is the job; a task of django-q2 is only the nudge that brings a worker here. How a run is claimed and
ends is in backoffice/records/leases.py. Writing holds the row for the whole of its transaction, and marks it as done
within it: whoever wakes up meanwhile, the file is written once, or not at all.
"""

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from functools import partial
from typing import IO, Any

from django.conf import settings
from django.contrib import admin
from django.db import OperationalError, connection, transaction
from django.db.models import Case, QuerySet, Value, When
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.importing import Outcome, run_import
from backoffice.exchange.reading import Table, UnreadableFileError, read_table
from backoffice.files.room import is_full, none_left
from backoffice.formats.kept import gettext as _
from backoffice.formats.kept import kept_in_text
from backoffice.imports import progress
from backoffice.jobs.nudges import nudge
from backoffice.models import TableImport
from backoffice.sealing.cells import UnreadableError
from backoffice.sealing.files import unsealed
from backoffice.traced import of_request

logger = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 6
BLOCK = 1 << 20  # bytes

Status = TableImport.Status


def wake_a_worker() -> None:
    nudge("backoffice.imports.runs.run_waiting", settings.DEFAULT_CLUSTER)


def look_for_waiting() -> None:
    """Every minute: find what a lost task or a dead worker left behind."""
    if TableImport.objects.waiting().exists():
        wake_a_worker()


def run_waiting() -> int:
    """Run until nothing waits, or another worker is at it: the cluster's other worker is for mail, which must not wait
    behind two files. Returns how many runs that were."""
    runs = 0
    while row := claim_the_only_one():
        run(row)
        runs += 1
    return runs


@transaction.atomic
def claim_the_only_one() -> TableImport | None:
    """`claim`, where no worker has one already."""
    unfinished = TableImport.objects.filter(status__in=(*TableImport.WAITING, *TableImport.RUNNING))
    try:
        # Whoever asks at the same moment asks for the same row, and one of them is refused; a run that writes holds it.
        if not unfinished.order_by("pk").select_for_update(nowait=True, no_key=True).first():
            return None
    except OperationalError:
        return None
    at_work = unfinished.filter(status__in=TableImport.RUNNING, lease_until__gt=timezone.now())
    return None if at_work.exists() else claim()


def claim(pk: int | None = None) -> TableImport | None:
    """Take the oldest that waits, or this one; those that are hopeless fail first."""
    waiting = TableImport.objects.waiting().filter(**({"pk": pk} if pk else {}))
    for row in waiting.hopeless():
        fail(row, _("The worker stopped three times while it was at this file. Split the file, and upload the parts."))
    goes_on = Case(
        When(status__in=(Status.TO_CHECK, Status.CHECKING), then=Value(Status.CHECKING)), default=Value(Status.WRITING)
    )
    # This very row is waited for: whoever else has just tried to confirm it holds it for a moment.
    return next(iter(waiting.claim(lease=lease(), skip_locked=pk is None, status=goes_on)), None)


def lease() -> timedelta:
    return timedelta(seconds=settings.IMPORT_LEASE_SECONDS)


def run(row: TableImport) -> None:
    """Check or write a row that was claimed."""
    with of_request(row.request_id):
        _run(row)


def _run(row: TableImport) -> None:
    try:
        with translation.override(row.language):
            check(row) if row.status == Status.CHECKING else write(row)
    except UnreadableFileError as error:
        fail(row, error.told)
    except StoppedError:
        close(row.held(), row, Status.CANCELLED, details=None)
    except OperationalError:
        # The database was busy or away: the row comes back when its lease lapses.
        logger.exception("import %d was put off", row.pk)
    except Exception as error:
        logger.exception("import %d failed", row.pk)
        broken = _(
            "Something went wrong that is no fault of the file, and nothing was written. The log says what it was."
        )
        fail(row, none_left() if is_full(error) else broken)


def check(row: TableImport) -> None:
    """Find out what writing it would do."""
    resource = resource_of(row)
    # Where only writing and taking back tells, nobody would see a renewed lease: the row is held instead.
    with transaction.atomic() if resource.writes_in_preview else nullcontext():
        if not row.renew(lease()):
            return
        with opened(row) as table:
            outcome = run_import(resource, table, by=row.uploaded_by, dry_run=True, progress=Progress(row))
        if progress.is_to_stop(row):
            raise StoppedError
        row.finish(status=Status.CHECKED, **saved(outcome))
    logger.info("import %d is checked", row.pk)
    progress.forget(row)


class StoppedError(Exception):
    """Somebody cancelled the file while it was being checked."""


class DataHasChangedError(Exception):
    """Something else would become of some row than the person saw and agreed to."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


@transaction.atomic
def write(row: TableImport) -> None:
    """Write the table and the mark that it is done, or neither."""
    # From here to the commit the row is locked. Zero rows: the lease had lapsed, and somebody else has it.
    if not row.renew(lease()):
        return
    if not is_unchanged(row):
        fail(row, _("The kept file is not the one that was checked, so nothing was written. Upload it again."))
        return
    try:
        with transaction.atomic():
            outcome = written(row)
    except DataHasChangedError as refused:
        changed = _("The data has changed since the file was checked, so nothing was written. Look again.")
        refused.outcome.notes.insert(0, changed)
        row.finish(status=Status.CHECKED, **saved(refused.outcome))
        return
    close(row.held(), row, Status.DONE, **saved(outcome))


def written(row: TableImport) -> Outcome:
    with opened(row) as table:
        outcome = run_import(
            resource_of(row),
            table,
            by=row.confirmed_by,
            dry_run=False,
            skip_invalid=row.skip_invalid,
            progress=Progress(row),
        )
    if outcome.rows_digest != (row.outcome or {})["rows_digest"] or (outcome.error_count and not row.skip_invalid):
        raise DataHasChangedError(outcome)
    return outcome


@contextmanager
def opened(row: TableImport) -> Iterator[Table]:
    with row.file.open("rb") as kept, unsealed(kept) as file:
        yield read_table(file, row.name)


def resource_of(row: TableImport) -> ExchangeResource:
    """The resource that the table's admin names."""
    table: Any = admin.site.get_model_admin(row.model)
    return table.resource()


class Progress:
    """Tells how far a run is, and renews its lease, so that a long check is not taken for a dead worker."""

    def __init__(self, row: TableImport) -> None:
        self.row = row
        self.interval = settings.IMPORT_LEASE_SECONDS / RENEWALS_PER_LEASE
        self.renewed_at = time.monotonic()

    def __call__(self, rows_done: int) -> None:
        if self.row.status == Status.CHECKING and progress.is_to_stop(self.row):
            raise StoppedError
        progress.write(self.row, rows_done)
        # Within a transaction nobody would see it: a run that writes holds the row itself.
        if time.monotonic() - self.renewed_at > self.interval and not connection.in_atomic_block:
            self.row.renew(lease())
            self.renewed_at = time.monotonic()


def is_unchanged(row: TableImport) -> bool:
    """The kept file is still what was checked."""
    try:
        with row.file.open("rb") as kept, unsealed(kept) as file:
            return sha256_of(file) == row.sha256
    except (OSError, UnreadableError):
        return False


def sha256_of(file: IO[bytes]) -> str:
    """Keyed: whoever has the hash of a table of one row would find out the ID number in it."""
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    return salted_hmac("backoffice.imports", digest.hexdigest(), algorithm="sha256").hexdigest()


# -- Ends -------------------------------------------------------------------------------------------------------------


def saved(outcome: Outcome) -> dict:
    """An outcome's columns: counts and notes, which are kept, and rows, which hold people's data and are not."""
    summary = outcome.as_json()
    details = {name: summary.pop(name) for name in ("errors", "preview")}
    return {"outcome": summary, "details": details}


def outcome_of(row: TableImport) -> Outcome | None:
    if row.outcome is None:
        return None
    return Outcome.from_json(row.outcome | (row.details or {"errors": [], "preview": []}))


def fail(row: TableImport, why: str) -> None:
    close(row.held(), row, Status.FAILED, error=kept_in_text(why))


def close(rows: QuerySet[TableImport], row: TableImport, status: Status, **values: object) -> bool:
    """Write the end of an import, where it is still among `rows`; with the commit its file goes."""
    ours = rows.update(status=status, lease_token="", lease_until=None, finished_at=timezone.now(), **values)
    if ours:
        transaction.on_commit(partial(logger.info, "import %d is %s", row.pk, status))
        transaction.on_commit(lambda: remove_files(row))
    return bool(ours)


def remove_files(row: TableImport) -> None:
    progress.forget(row)
    row.file.storage.delete(str(row.file.name))
    TableImport.objects.filter(pk=row.pk).update(file="")
