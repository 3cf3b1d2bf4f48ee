"""An installation from an archive: into an empty place, whole or begun again."""

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage, default_storage
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from backoffice.backups import reading
from backoffice.backups.archive import CHUNK, About, Hashed, Manifest
from backoffice.backups.databases import Contents, Database
from backoffice.backups.errors import BackupError, DamagedError
from backoffice.backups.here import a_kept_file, alone, the_database
from backoffice.backups.progress import Progress
from backoffice.backups.reading import Checked, file_in
from backoffice.formats.kept import Sentence
from backoffice.formats.kept import gettext as _
from backoffice.formats.lists import listed, quoted

SHOWN = 3  # names in a sentence


def check(path: Path, identities: list, progress: Progress, database: Database | None = None) -> Checked:
    """Read it to its end, and open its database; nothing is written but in a scratch folder. Raises BackupError."""
    with alone("restore") as scratch:
        return _check(path, identities, progress, scratch, database or the_database())[0]


def _check(path: Path, identities: list, progress: Progress, scratch: Path, database: Database) -> tuple[Checked, Path]:
    dump = scratch / "dump"

    def take(member: str, source: IO[bytes]) -> None:
        if file_in(member) is None:
            put(source, dump)

    progress.begin(_("Checking"), path.stat().st_size)
    checked = reading.go_through(path, identities, suits=_suits(database), take=take, step=progress.step)
    if not dump.exists():
        raise DamagedError(_("It is damaged: %(name)s is missing.") % {"name": database.member})
    database.look_at(dump)
    return checked, dump


def put(source: IO[bytes], target: Path) -> None:
    with target.open("wb") as file:
        while data := source.read(CHUNK):
            file.write(data)


def _suits(database: Database) -> Callable[[About], None]:
    def suits(about: About) -> None:
        if about.database != database.vendor:
            told = {"theirs": about.database, "ours": database.vendor}
            raise BackupError(_("The archive is of a %(theirs)s database, and this is a %(ours)s one: restore it into its own kind (DATABASE_URL), then `manage.py move_database URL` moves it.") % told)  # noqa: E501  # fmt: skip
        if unknown := sorted(set(about.migrations) - known_migrations()):
            told = {"version": about.version, "migrations": listed(unknown[:SHOWN])}
            raise BackupError(_("The archive was made by a newer version, %(version)s, which knows %(migrations)s: install that one, or a later, and restore there.") % told)  # noqa: E501  # fmt: skip

    return suits


@functools.cache
def known_migrations() -> set[str]:
    """As `app.name`, those that others have replaced among them."""
    migrations = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    replaced = {pair for migration in migrations.values() for pair in migration.replaces}
    return {f"{app}.{name}" for app, name in (*migrations, *replaced)}


# -- Into an empty place ----------------------------------------------------------------------------------------------


def restore(path: Path, identities: list, progress: Progress) -> Checked:
    """Fill this installation, which must be empty, and migrate it. Raises BackupError.

    Who is killed in the middle leaves a note of which archive it was, so that the same one goes on.
    """
    database, note = the_database(), settings.DATA_DIR / "restoring"
    with alone("restore") as scratch:
        begun = json.loads(note.read_text()) if note.exists() else None
        if begun is None:
            _refuse_what_is_not_empty(database)
        checked, dump = _check(path, identities, progress, scratch, database)
        if begun and begun["sha256"] != checked.sha256:
            raise BackupError(_("Here %(name)s is half restored: restore that one again, or empty the place and remove %(note)s.") % {"name": quoted(begun["name"]), "note": note})  # noqa: E501  # fmt: skip
        if not (begun and begun["is_filled"]):
            said = {"name": path.name, "sha256": checked.sha256}
            note.write_text(json.dumps({**said, "is_filled": False}))
            progress.begin(_("Restoring"), path.stat().st_size)
            reading.go_through(path, identities, take=_keep_file, step=progress.step)
            if database.is_empty():
                database.fill(dump)
            if differences := compare(database.contents(), checked):
                raise BackupError(differences[0])
            note.write_text(json.dumps({**said, "is_filled": True}))
        call_command("migrate", verbosity=0)
        note.unlink()
        return checked


def _refuse_what_is_not_empty(database: Database) -> None:
    if not database.is_empty():
        raise BackupError(_("There are tables in %(where)s already: nothing is overwritten. Restore into an empty database (DATABASE_URL, or another DATA_DIR), or move that one away.") % {"where": database.where()})  # noqa: E501  # fmt: skip
    if name := a_kept_file():
        raise BackupError(_("Where private files go some lie already, such as %(name)s: nothing is overwritten. Restore into an empty place (STORAGE_URL, or another DATA_DIR), or move them away.") % {"name": name})  # noqa: E501  # fmt: skip


def _keep_file(member: str, source: IO[bytes]) -> None:
    if name := file_in(member):
        keep_file(default_storage, name, source)


def keep_file(storage: Storage, name: str, source: IO[bytes]) -> None:
    """Put a file where it was; one that a killed restore has put there stays. Raises BackupError where it cannot."""
    if storage.exists(name):
        with storage.open(name) as there:
            if _digest(there) == _digest(source):
                return
        raise BackupError(_("There is another file at %(name)s: empty the place, and restore again.") % {"name": name})
    storage.save(name, _Stream(source, name))


def _digest(source: IO[bytes] | File) -> str:
    hashed = Hashed(source)
    while hashed.read(CHUNK):
        pass
    return hashed.sha256.hexdigest()


class _Stream(File):
    """What is read once, from its beginning."""

    closed = False

    def seekable(self) -> bool:
        return False

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        while self.file and (data := self.file.read(CHUNK)):
            yield data


# -- Is it the same? --------------------------------------------------------------------------------------------------


def compare(found: Contents, checked: Checked) -> list[Sentence]:
    """What of a database that was filled is not as it was; none where all is."""
    return [*_tables(found.tables, checked.manifest), *_migrations(found.migrations, checked.about)]


def _tables(found: dict[str, tuple[int, str]], manifest: Manifest) -> Iterator[Sentence]:
    for name in sorted(manifest.tables.keys() | found.keys()):
        was, now = manifest.tables.get(name, (0, "")), found.get(name, (0, ""))
        if was == now:
            continue
        if was[0] == now[0]:
            yield _("The table %(name)s has other rows than were backed up.") % {"name": name}
        else:
            told = {"name": name, "was": was[0], "now": now[0]}
            yield _("The table %(name)s has %(now)d rows, and %(was)d were backed up.") % told


def _migrations(found: list[str], about: About) -> Iterator[Sentence]:
    if different := sorted(set(found) ^ set(about.migrations)):
        yield _("Other migrations are applied than were: %(names)s") % {"names": listed(different[:SHOWN])}
