"""This installation, as its backups know it: its database, its archives, and what one process may do at a time."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from django.utils.crypto import salted_hmac

from backoffice.backups.databases import Database
from backoffice.backups.errors import UnderWayError
from backoffice.backups.postgres import Postgres
from backoffice.backups.sqlite import Sqlite
from backoffice.formats.kept import gettext as _

MOMENT = "%Y%m%dT%H%M%SZ"
NAME = re.compile(r"collimator-([0-9a-f]{8})-(\d{8}T\d{6}Z)\.tar(\.age)?")


def the_database() -> Database:
    """The one that people work with."""
    database = settings.DATABASES["default"]
    return Sqlite(Path(database["NAME"])) if connection.vendor == "sqlite" else Postgres(database)


def installation() -> str:
    """Tells this one from others, and with another secret key it is another."""
    return salted_hmac("backoffice.backups", "installation", algorithm="sha256").hexdigest()[:8]


@dataclass(frozen=True, order=True)
class Archive:
    """One of this installation's, by its name alone."""

    made_at: datetime
    path: Path


def name_for(made_at: datetime, *, encrypted: bool) -> str:
    return f"collimator-{installation()}-{made_at.astimezone(UTC):{MOMENT}}.tar{'.age' if encrypted else ''}"


def said_by(name: str) -> tuple[str, datetime] | None:
    """Installation and moment; None of a name that no backup gave."""
    if match := NAME.fullmatch(name):
        with suppress(ValueError):
            return match[1], datetime.strptime(match[2], MOMENT).replace(tzinfo=UTC)
    return None


def archives(folder: Path) -> list[Archive]:
    """Those of this installation in a folder, the newest last; whatever else lies there is none."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        said = said_by(path.name)
        if said and said[0] == installation() and path.is_file():
            found.append(Archive(said[1], path))
    return sorted(found)


@contextmanager
def alone(what: str) -> Iterator[Path]:
    """An empty folder for the one process that does `what` on this machine; gone afterwards, also of one that was
    killed. Raises UnderWayError where another does it."""
    folder = settings.DATA_DIR / "run"
    folder.mkdir(exist_ok=True)
    with open(folder / f"{what}.lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnderWayError(_("Another process is at the same on this machine: wait until it has ended.")) from None
        scratch = folder / what
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def a_kept_file(folder: str = "") -> str | None:
    """The name of one that lies where private files do; None where there is none."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return None
    below = f"{folder}/" if folder else ""
    return next((f"{below}{name}" for name in files if name), None) or next(
        (found for name in folders if name and (found := a_kept_file(f"{below}{name}"))), None
    )


def on_the_disk(path: Path) -> None:
    """What was written outlives a power cut, and is read from the disk next time."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        if not path.is_dir():
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
