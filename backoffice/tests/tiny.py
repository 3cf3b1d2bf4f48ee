"""A database of a few rows, and private files that it names: what a backup can be tried on in milliseconds."""

import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from backoffice.backups import databases
from backoffice.backups.sqlite import Sqlite


class Tiny:
    """Its tables are called as some of ours are. Files are kept where the settings say."""

    MIGRATIONS: ClassVar = {"backoffice.0001_initial"}

    def __init__(self, path: Path) -> None:
        self.database = Sqlite(path)
        [(self.table, self.column), *_others] = databases.file_columns()
        self.execute(
            f'CREATE TABLE "{self.table}" (id INTEGER PRIMARY KEY, "{self.column}" TEXT)',
            "CREATE TABLE person (name TEXT, born DATE)",
            "CREATE INDEX by_name ON person (name)",
            "CREATE TABLE django_session (session_key TEXT PRIMARY KEY)",
            "INSERT INTO django_session VALUES ('a-key-of-somebody')",
            "CREATE TABLE django_migrations (id INTEGER PRIMARY KEY, app TEXT, name TEXT)",
            "INSERT INTO django_migrations (app, name) VALUES ('backoffice', '0001_initial')",
            *(f"INSERT INTO person VALUES ('{secrets.token_hex(20)}', '1980-01-02')" for _row in range(40)),  # noqa: S608
        )

    def execute(self, *statements: str) -> list[tuple]:
        with closing(sqlite3.connect(self.database.path)) as file, file:
            return [row for statement in statements for row in file.execute(statement).fetchall()]

    def keep(self, name: str, content: bytes) -> str:
        """A file, and a row that names it."""
        kept = default_storage.save(name, ContentFile(content))
        self.name(kept)
        return kept

    def name(self, file: str) -> None:
        self.execute(f'INSERT INTO "{self.table}" ("{self.column}") VALUES (\'{file}\')')  # noqa: S608

    def purge(self, file: str) -> None:
        self.execute(f'DELETE FROM "{self.table}" WHERE "{self.column}" = \'{file}\'')  # noqa: S608
        default_storage.delete(file)
