"""Backups and drills as the clock, or a person, has them run: each leaves a row, and what is amiss is told."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from backoffice.backups import drill, standing, writing
from backoffice.backups.errors import BackupError, UnderWayError
from backoffice.backups.here import archives
from backoffice.backups.progress import Progress
from backoffice.formats.kept import Sentence, kept, kept_in_text
from backoffice.formats.kept import gettext as _
from backoffice.models import Backup

logger = logging.getLogger(__name__)


def back_up_nightly() -> str:
    """What the clock runs; returns the archive's name, "" where backups are not made here. Raises BackupError."""
    return back_up(settings.BACKUP_FOLDER).path.name if settings.BACKUP_NIGHTLY else ""


def back_up(folder: Path, progress: Progress | None = None) -> writing.Made:
    """Make a backup and note it. Raises BackupError; whatever else it raises is noted and told too."""
    began = timezone.now()
    try:
        made = writing.make(folder, progress)
    except UnderWayError:
        raise
    except Exception as error:
        told = error.told if isinstance(error, BackupError) else type(error).__name__
        failed = {"name": f"{began.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}", "error": kept_in_text(told)}
        _note(lambda: Backup.objects.create(made_at=began, **failed))
        _note(standing.tell)
        raise
    _note(lambda: Backup.objects.update_or_create(name=made.path.name, defaults=_columns(made, began)))
    return made


def _columns(made: writing.Made, began: datetime) -> dict[str, Any]:
    return {
        "made_at": made.made_at,
        "folder": str(made.path.parent),
        "seconds": round((timezone.now() - began).total_seconds()),
        "size": made.size,
        "sha256": made.sha256,
        "rows": made.rows,
        "files": made.files,
        "missing": len(made.missing),
        "is_encrypted": made.is_encrypted,
        "error": "",
    }


def _note(write: Callable[[], object]) -> None:
    """Never in the way: before an upgrade's migration the table may be another than the code knows."""
    try:
        write()
    except DatabaseError as error:
        logger.warning("a backup is not noted: %s", type(error).__name__)


def drill_weekly() -> str:
    """What the clock runs: restore the newest archive in a scratch place, keep and tell what was found. Returns its
    name, "" where there is none."""
    found = archives(settings.BACKUP_FOLDER)
    written = Backup.objects.made().filter(folder=str(settings.BACKUP_FOLDER)).order_by("-made_at").first()
    if not found and not written:
        return ""
    if written and (not found or written.made_at > found[-1].made_at):
        result, name = drill.Found([_is_gone(written)], is_whole=False), written.name
        new: dict[str, Any] = {}
    else:
        newest, name = found[-1], found[-1].path.name
        known = Backup.objects.filter(name=name).first()
        result = drill.restore_in_scratch(newest, known.sha256 if known else "")
        new = {"made_at": newest.made_at, "size": newest.path.stat().st_size, "folder": str(newest.path.parent)}
    drilled = {"drilled_at": timezone.now(), "is_drilled_whole": result.is_whole, "findings": kept(result.findings)}
    Backup.objects.update_or_create(name=name, defaults=drilled, create_defaults={**new, **drilled})
    if result.findings:
        standing.tell()
    return name


def _is_gone(backup: Backup) -> Sentence:
    return _("It is not in %(folder)s any more, and is the newest that was written.") % {"folder": backup.folder}
