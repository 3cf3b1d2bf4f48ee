"""What people do with files that go into tables: upload one, confirm what it would do, or cancel it.

runs.py checks and writes, in a worker; a small file within the request, by the same steps.
"""

import logging
from contextlib import suppress
from itertools import islice

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.utils import translation

from backoffice.exchange.reading import Table, UnreadableFileError, read_table
from backoffice.files import nursery
from backoffice.files.room import is_full, none_left
from backoffice.formats.kept import told
from backoffice.imports import progress
from backoffice.imports.runs import claim, close, outcome_of, resource_of, run, sha256_of, wake_a_worker
from backoffice.models import TableImport, User
from backoffice.sealing.files import sealed
from backoffice.traced import this_request

logger = logging.getLogger(__name__)

SMALL, SHORT = 2000, 1_000_000  # rows, and characters in them; what a request does in about a second

Status = TableImport.Status


def receive(file: UploadedFile, model: type[models.Model], *, by: User) -> TableImport:
    """Keep a file that somebody uploaded, and have it checked. Raises UnreadableFileError, and then keeps nothing."""
    name = file.name or ""
    table = read_table(file, name)
    row = TableImport(
        content_type=ContentType.objects.get_for_model(model),
        name=name[-200:],
        sha256=sha256_of(file),
        row_count=count_of(table),
        uploaded_by=by,
        language=translation.get_language() or settings.LANGUAGE_CODE,
    )
    try:
        with sealed(file) as kept:
            row.file.save(name, File(kept), save=False)
        row.save()
    except BaseException as error:
        row.file.delete(save=False)
        if is_full(error):
            logger.error("a table was not kept: %s", nursery.told(error))
            raise UnreadableFileError(none_left()) from error
        raise
    # From here the row is there, and what becomes of its file is its own matter.
    logger.info("import %d into %s was uploaded by person %d", row.pk, model._meta.label, by.pk)
    start(row)
    if row.status == Status.FAILED and is_small(row):
        row.delete()
        raise UnreadableFileError(told(row.error))
    return row


def count_of(table: Table) -> int | None:
    """How many rows there are, None where only reading them all would tell, or their texts are much to read."""
    if table.count is not None and table.count > SMALL:
        return table.count
    read = characters = 0
    with suppress(UnreadableFileError):  # whoever checks the rows says it, with the others' mistakes
        for _line, values in islice(table, SMALL + 1):
            read, characters = read + 1, characters + sum(map(len, values.values()))
            if characters > SHORT:
                return None
    return read if read <= SMALL else None


def confirm(row: TableImport, *, by: User, skip_invalid: bool) -> bool:
    """Have a checked file written, without the rows that have errors where `skip_invalid`. False: not to be confirmed
    any more."""
    # Two clicks, or two people: the first UPDATE has it.
    ours = TableImport.objects.unconfirmed().filter(pk=row.pk)
    asked = {"confirmed_by": by, "attempts": 0, "request_id": this_request()}
    if not ours.update(status=Status.TO_WRITE, skip_invalid=skip_invalid, **asked):
        return False
    logger.info("import %d was confirmed by person %d", row.pk, by.pk)
    start(row)
    return True


def cancel(row: TableImport) -> bool:
    """Drop a file that has not been written. False: too late."""
    if row.status == Status.CHECKING and resource_of(row).writes_in_preview:
        # The check holds the row: it is told beside it, and ends by itself.
        progress.ask_to_stop(row)
        return True
    before_writing = (Status.TO_CHECK, Status.CHECKING, Status.CHECKED, Status.TO_WRITE)
    return close(TableImport.objects.filter(pk=row.pk, status__in=before_writing), row, Status.CANCELLED, details=None)


def may_confirm(row: TableImport, *, skip_invalid: bool) -> bool:
    """There is something to write; and all of it is good, or the person knows what is left out."""
    outcome = outcome_of(row)
    return bool(outcome and outcome.is_whole and outcome.good and bool(outcome.error_count) == skip_invalid)


def is_small(row: TableImport) -> bool:
    return row.row_count is not None and row.row_count <= SMALL


def start(row: TableImport) -> None:
    """Run it now where it is small, else wake a worker. Leaves `row` as the database has it."""
    if is_small(row):
        if claimed := claim(row.pk):
            run(claimed)
    else:
        wake_a_worker()
    row.refresh_from_db()
