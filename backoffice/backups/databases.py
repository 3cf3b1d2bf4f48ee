"""The two databases, as a backup sees them: a snapshot while people work, what is in one, and how one is filled.

They are asked past Django's connection, so that a scratch one is asked like the one that people work with, and one
whose tables are older than the code.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models
from django.db.migrations.recorder import MigrationRecorder
from django_q.models import OrmQ

WHOLE = 1 << 256


@dataclass(frozen=True)
class Outline:
    """`migrations`: as `app.name`; `files`: the private ones that rows name."""

    migrations: list[str]
    files: set[str]


@dataclass(frozen=True)
class Contents(Outline):
    """`tables`: name → rows and their digest."""

    tables: dict[str, tuple[int, str]]


class Database(Protocol):
    vendor: str
    member: str
    """What it is called in an archive."""

    def where(self) -> str:
        """As an error names it: never with its password."""

    def is_empty(self) -> bool: ...

    def snapshot(self, target: Path) -> Contents:
        """Write all that is in it at one moment into a file, and say what that is."""

    def contents(self) -> Contents: ...

    def outline(self) -> Outline: ...

    def look_at(self, dump: Path) -> None:
        """Raises BackupError where a snapshot cannot be opened."""

    def fill(self, dump: Path) -> None:
        """Make an empty one what the snapshot says: all of it or nothing."""

    def scratch(self, folder: Path) -> AbstractContextManager["Database"]:
        """An empty one beside it, which is gone afterwards."""


def left_out() -> set[str]:
    """Tables whose rows are in no backup: the cache, who is signed in, and nudges, which say what rows say."""
    caches = (cache["LOCATION"] for cache in settings.CACHES.values() if "Database" in cache["BACKEND"])
    return {*caches, Session._meta.db_table, OrmQ._meta.db_table}


def file_columns() -> Iterator[tuple[str, str]]:
    """Table and column of everything that names a private file."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, models.FileField) and field.column:
                yield model._meta.db_table, field.column


MIGRATIONS = MigrationRecorder.Migration._meta.db_table


def digest_of(rows: Iterable[bytes | bytearray | memoryview]) -> tuple[int, str]:
    """How many, and one number that differs where a row does; their order does not matter."""
    count = total = 0
    for row in rows:
        count += 1
        total += int.from_bytes(hashlib.sha256(row).digest(), "big")
    return count, f"{total % WHOLE:064x}"
