"""SQLite: a snapshot is a database file, compressed."""

import gzip
import os
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.db import connections
from zlib_ng import gzip_ng

from backoffice.backups.archive import CHUNK, SCHEMA
from backoffice.backups.databases import (
    MIGRATIONS,
    Contents,
    Outline,
    digest_of,
    file_columns,
    left_out,
)
from backoffice.backups.errors import BackupError, DamagedError
from backoffice.formats.kept import gettext as _

BUSY = 60  # seconds that somebody else may be writing
OURS = "name NOT LIKE 'sqlite_%'"
PACKED = 3  # of nine: a third of the time of the usual one, and a tenth larger


class Sqlite:
    vendor = "sqlite"
    member = "database.sqlite3.gz"

    def __init__(self, path: Path) -> None:
        self.path = path

    def where(self) -> str:
        return str(self.path)

    def is_empty(self) -> bool:
        if not self.path.exists() or not self.path.stat().st_size:
            return True
        with self._open() as database:
            return not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]

    def snapshot(self, target: Path) -> Contents:
        """By VACUUM INTO: of one moment, while others write, and without what was deleted and yet lies in the file."""
        copy = target.with_suffix(".copy")
        try:
            with self._open() as database:
                database.execute("VACUUM INTO ?", [str(copy)])
            taken = Sqlite(copy)
            taken._leave_out()
            contents = taken.contents()
            with copy.open("rb") as source, gzip_ng.open(target, "wb", PACKED) as packed:
                shutil.copyfileobj(source, packed, CHUNK)
            return contents
        finally:
            copy.unlink(missing_ok=True)

    def _leave_out(self) -> None:
        with self._open() as database, database:
            database.execute("PRAGMA secure_delete=ON")  # what is left out is not in the file's free pages either
            for table in left_out() & set(self._tables(database)):
                database.execute(f'DELETE FROM "{table}"')  # noqa: S608  (our own tables' names, as below)

    def contents(self) -> Contents:
        with self._open() as database:
            broken = database.execute("PRAGMA quick_check(1)").fetchone()[0]
            if broken != "ok":
                raise BackupError(_("The database %(where)s is damaged: %(why)s") % {"where": self.where(), "why": broken})  # noqa: E501  # fmt: skip
            rows_of = {name: f'SELECT * FROM "{name}"' for name in self._tables(database)}  # noqa: S608
            rows_of[SCHEMA] = f"SELECT type, name, tbl_name, sql FROM sqlite_master WHERE {OURS}"  # noqa: S608
            tables = {
                name: digest_of(repr(row).encode() for row in database.execute(rows)) for name, rows in rows_of.items()
            }
            return Contents(self._migrations(database), set(self._files(database)), tables)

    def outline(self) -> Outline:
        with self._open() as database:
            return Outline(self._migrations(database), set(self._files(database)))

    def look_at(self, dump: Path) -> None:
        unpacked = dump.with_suffix(".look")
        try:
            self._unpack(dump, unpacked)
            Sqlite(unpacked).contents()
        except BackupError as error:
            raise error if isinstance(error, DamagedError) else DamagedError(error.told) from error
        finally:
            unpacked.unlink(missing_ok=True)

    def fill(self, dump: Path) -> None:
        connections.close_all()  # this process may hold the empty file that it made by asking
        draft = self.path.with_name(f"{self.path.name}.restoring")
        self._unpack(dump, draft)
        for rest in ("-wal", "-shm"):
            Path(f"{self.path}{rest}").unlink(missing_ok=True)
        os.replace(draft, self.path)

    @contextmanager
    def scratch(self, folder: Path) -> Iterator["Sqlite"]:
        path = folder / "scratch.sqlite3"
        try:
            yield Sqlite(path)
        finally:
            for rest in ("", "-wal", "-shm"):
                Path(f"{path}{rest}").unlink(missing_ok=True)

    def _unpack(self, dump: Path, target: Path) -> None:
        try:
            with gzip_ng.open(dump, "rb") as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file, CHUNK)
                file.flush()
                os.fsync(file.fileno())
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            target.unlink(missing_ok=True)
            raise DamagedError(_("Its database cannot be opened: %(why)s") % {"why": error}) from error

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=BUSY)) as database:
                yield database
        except sqlite3.Error as error:
            told = {"where": self.where(), "why": error}
            raise BackupError(_("The database %(where)s cannot be read: %(why)s") % told) from error

    def _tables(self, database: sqlite3.Connection) -> list[str]:
        named = f"SELECT name FROM sqlite_master WHERE type = 'table' AND {OURS} ORDER BY name"  # noqa: S608
        return [name for (name,) in database.execute(named)]

    def _migrations(self, database: sqlite3.Connection) -> list[str]:
        rows = database.execute(f'SELECT app, name FROM "{MIGRATIONS}" ORDER BY app, name')  # noqa: S608
        return [f"{app}.{name}" for app, name in rows]

    def _files(self, database: sqlite3.Connection) -> Iterator[str]:
        for table, column in file_columns():
            if column in [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]:
                named = f'SELECT DISTINCT "{column}" FROM "{table}" WHERE "{column}" <> \'\''  # noqa: S608
                yield from (name for (name,) in database.execute(named))
