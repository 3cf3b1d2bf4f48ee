"""One archive, of one moment, while people work.

Files first and the database after them, then the files that have come in between: a file that a purge takes away
meanwhile has been read, or is named by nothing in the snapshot. Files are written once and never changed.
"""

import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.core.files.storage import default_storage
from django.template.defaultfilters import filesizeformat

from backoffice.backups import keys, reading
from backoffice.backups.archive import ABOUT, FILES, About, Sink, Writer, to_json, written
from backoffice.backups.databases import Contents, Database
from backoffice.backups.errors import BackupError, DamagedError
from backoffice.backups.here import alone, archives, installation, name_for, on_the_disk, the_database
from backoffice.backups.progress import Progress
from backoffice.backups.thinning import to_thin
from backoffice.files.room import is_full
from backoffice.formats.kept import Sentence
from backoffice.formats.kept import gettext as _
from backoffice.version import VERSION

DRAFT = ".part"
RESERVE = 200 << 20  # bytes that are left to those who work, whatever a backup would take
SNAPSHOTS = 3  # before a file that is named and not there is taken for lost


@dataclass(frozen=True)
class Made:
    """`rows` and `files` are how many are in it; `missing` are files that the database names and were not there."""

    path: Path
    made_at: datetime
    size: int
    sha256: str
    rows: int
    files: int
    missing: list[str]
    is_encrypted: bool
    thinned: list[str]


def make(folder: Path, progress: Progress | None = None, database: Database | None = None) -> Made:
    """Write, verify and name an archive, and thin the older ones. Raises BackupError, and then leaves nothing."""
    progress, database, recipients = progress or Progress(), database or the_database(), keys.recipients()
    with alone("backup") as scratch:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _clear(folder)
            before = archives(folder)
            check_room(folder, at_least=before[-1].path.stat().st_size if before else 0)
            made_at, path = _a_name(folder, encrypted=bool(recipients))
            draft = folder / f".{path.name}{DRAFT}"
            try:
                made = _write(draft, path, made_at, scratch, recipients, database, progress)
                _verify(draft, made, progress)
                os.rename(draft, path)
            finally:
                draft.unlink(missing_ok=True)
            on_the_disk(folder)
        except OSError as error:
            raise BackupError(_what_failed(error, folder)) from error
        gone = to_thin(archives(folder))
        for archive in gone:
            archive.path.unlink(missing_ok=True)
            made.thinned.append(archive.path.name)
        return made


def _clear(folder: Path) -> None:
    """What a backup that was killed left: nobody else writes one, as `alone` says."""
    for path in folder.glob(f".collimator-{installation()}-*{DRAFT}"):
        path.unlink()


def _a_name(folder: Path, *, encrypted: bool) -> tuple[datetime, Path]:
    while True:
        made_at = datetime.now(UTC).replace(microsecond=0)
        path = folder / name_for(made_at, encrypted=encrypted)
        if not path.exists():
            return made_at, path
        time.sleep(0.1)  # two within one second


def _write(
    draft: Path,
    path: Path,
    made_at: datetime,
    scratch: Path,
    recipients: list,
    database: Database,
    progress: Progress,
) -> Made:
    with open(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
        sink = Sink(file, lambda: check_room(draft.parent, scratch))
        with written(sink, recipients) as writer:
            manifest, dump = writer.manifest, scratch / "dump"
            outline = database.outline()
            about = About(VERSION, database.vendor, made_at.isoformat(), installation(), sorted(outline.migrations))
            writer.add_text(ABOUT, to_json(about))
            contents, manifest.missing = _gather(writer, outline.files, dump, database, progress)
            if contents.migrations != outline.migrations:
                raise BackupError(_("The database was migrated meanwhile: run the backup again."))
            manifest.tables = contents.tables
            database.look_at(dump)
            with dump.open("rb") as source:
                writer.add(database.member, source, dump.stat().st_size)
    on_the_disk(draft)
    return Made(
        path,
        made_at,
        size=sink.size,
        sha256=sink.sha256.hexdigest(),
        rows=manifest.rows,
        files=manifest.files,
        missing=manifest.missing,
        is_encrypted=bool(recipients),
        thinned=[],
    )


def _gather(
    writer: Writer, files: set[str], dump: Path, database: Database, progress: Progress
) -> tuple[Contents, list[str]]:
    """Write the files, and a snapshot that names none but these. Returns what is in it, and which of them are lost."""
    tried = set(files)
    gone = _add_files(writer, files, progress)
    for _attempt in range(SNAPSHOTS):
        contents = database.snapshot(dump)
        new = contents.files - tried
        gone_meanwhile = _add_files(writer, new, progress)
        tried |= new
        gone |= gone_meanwhile
        if not gone_meanwhile:
            break  # else they were purged after the snapshot: the next one does not name them
    return contents, sorted(gone & contents.files)


def _add_files(writer: Writer, names: Iterable[str], progress: Progress) -> set[str]:
    """Returns those that are not there."""
    gone, names = set(), sorted(names)
    progress.begin(_("Files"), len(names), "")
    for name in names:
        try:
            file = default_storage.open(name)
        except FileNotFoundError:
            gone.add(name)
        else:
            with file:
                writer.add(FILES + name, file, file.size)
        progress.step(1)
    return gone


def _verify(draft: Path, made: Made, progress: Progress) -> None:
    """Read it from the disk again; what is in it, too, where there is a key for that."""
    progress.begin(_("Verifying"), made.size)
    identities = keys.identities() if made.is_encrypted else []
    if made.is_encrypted and not identities:
        found = reading.sha256_of(draft, progress.step)
    else:
        found = reading.go_through(draft, identities, step=progress.step).sha256
    if found != made.sha256:
        raise DamagedError(_("What was read back is not what was written: is the disk failing?"))


def check_room(*folders: Path, at_least: int = 0) -> None:
    """Raises BackupError where so many bytes, and a reserve for those who work, are not free."""
    for folder in folders:
        free = shutil.disk_usage(folder).free
        if free < RESERVE + at_least:
            told = {"folder": folder, "free": filesizeformat(free), "needed": filesizeformat(RESERVE + at_least)}
            raise BackupError(_("There is too little room in %(folder)s: %(free)s are free, and %(needed)s are needed. Make room, keep fewer backups (BACKUP_KEEP_…), or set BACKUP_FOLDER to another disk.") % told)  # noqa: E501  # fmt: skip


def _what_failed(error: OSError, folder: Path) -> Sentence:
    if is_full(error):
        return _("The disk is full: nothing was kept in %(folder)s.") % {"folder": folder}
    told = {"why": error.strerror or str(error), "file": error.filename or folder}
    return _("The backup cannot be written: %(why)s (%(file)s).") % told
