"""PostgreSQL: a snapshot is what pg_dump writes in its own format, and pg_restore fills a database from it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql
from psycopg.conninfo import make_conninfo

from backoffice.backups.archive import SCHEMA
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

# However the server is set: the same value is the same text, today and after a restore.
WRITTEN = [
    "SET datestyle = 'ISO, YMD'", "SET timezone = 'UTC'", "SET intervalstyle = 'iso_8601'", "SET bytea_output = 'hex'",
    "SET extra_float_digits = 1", "SET statement_timeout = 0", "SET idle_in_transaction_session_timeout = 0",
]  # fmt: skip
TABLES = """SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') ORDER BY 1"""
# By their names: how PostgreSQL writes what they say may be another after a restore.
SCHEMA_ROWS = """
    SELECT tablename::text, indexname::text FROM pg_indexes WHERE schemaname = current_schema()
    UNION ALL SELECT conrelid::regclass::text, contype::text || ' ' || conname FROM pg_constraint
        WHERE connamespace = current_schema()::regnamespace
    UNION ALL SELECT c.relname::text, 'trigger ' || tgname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
        WHERE NOT tgisinternal AND c.relnamespace = current_schema()::regnamespace"""
SCRATCH = "_collimator_drill"  # behind the database's name


class Postgres:
    vendor = "postgresql"
    member = "database.pgdump"

    def __init__(self, settings: dict[str, Any]) -> None:
        """`settings` are a database's, as Django has them."""
        self._settings = settings

    def where(self) -> str:
        return f"{self._settings['NAME']} on {self._settings['HOST'] or 'this machine'}"

    def is_empty(self) -> bool:
        with self._open() as database:
            return not database.execute(TABLES).fetchone()

    def snapshot(self, target: Path) -> Contents:
        """pg_dump sees the same moment as who reads the contents, while others write."""
        with self._open() as database:
            database.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            program = self._program("pg_dump", database)
            # Before the first query: the snapshot is that of the transaction.
            name = database.execute("SELECT pg_export_snapshot()").fetchone()[0]  # type: ignore[index]  # always a row
            contents = self._contents(database)
            options = [f"--exclude-table-data={table}" for table in sorted(left_out())]
            self._run([program, "--format=custom", f"--snapshot={name}", f"--file={target}", *options])
        return contents

    def contents(self) -> Contents:
        with self._open() as database:
            return self._contents(database)

    def outline(self) -> Outline:
        with self._open() as database:
            return Outline(self._migrations(database), set(self._files(database)))

    def look_at(self, dump: Path) -> None:
        try:
            self._run([self._program("pg_restore"), "--list", str(dump)], connected=False)
        except BackupError as error:
            raise DamagedError(_("Its database cannot be opened: %(why)s") % {"why": error.told}) from error

    def fill(self, dump: Path) -> None:
        connections.close_all()
        with self._open() as database:
            program = self._program("pg_restore", database)
        whole = ["--single-transaction", "--exit-on-error"]
        self._run([program, *whole, "--no-owner", "--no-privileges", "--no-comments", str(dump)])
        with self._open() as database:
            database.execute("ANALYZE")

    @contextmanager
    def scratch(self, folder: Path) -> Iterator["Postgres"]:
        name = self._settings["NAME"] + SCRATCH
        self._drop(name)  # of a drill that was killed
        made = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
        with self._open(autocommit=True) as database:
            try:
                database.execute(made)
            except psycopg.errors.InsufficientPrivilege:
                told = {"user": self._settings["USER"]}
                raise BackupError(_("The database's user may make no scratch database: let an administrator run ALTER ROLE %(user)s CREATEDB.") % told) from None  # noqa: E501  # fmt: skip
        try:
            yield Postgres({**self._settings, "NAME": name})
        finally:
            self._drop(name)

    def _drop(self, name: str) -> None:
        with self._open(autocommit=True) as database:
            database.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _contents(self, database: psycopg.Connection) -> Contents:
        for setting in WRITTEN:
            database.execute(setting)
        names = [name for (name,) in database.execute(TABLES).fetchall() if name not in left_out()]
        tables = {
            name: self._digest(database, sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))) for name in names
        }
        tables[SCHEMA] = self._digest(database, sql.SQL(SCHEMA_ROWS))
        return Contents(self._migrations(database), set(self._files(database)), tables)

    def _digest(self, database: psycopg.Connection, rows: sql.Composable) -> tuple[int, str]:
        with database.cursor().copy(sql.SQL("COPY ({}) TO STDOUT").format(rows)) as copied:
            return digest_of(copied)  # the server sends row by row

    def _migrations(self, database: psycopg.Connection) -> list[str]:
        rows = database.execute(f'SELECT app, name FROM "{MIGRATIONS}" ORDER BY app, name')  # noqa: S608  (our own name)
        return [f"{app}.{name}" for app, name in rows]

    def _files(self, database: psycopg.Connection) -> Iterator[str]:
        there = database.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        )
        columns = set(there.fetchall())
        for table, column in file_columns():
            if (table, column) in columns:
                named = sql.SQL("SELECT DISTINCT {column} FROM {table} WHERE {column} <> ''").format(
                    column=sql.Identifier(column), table=sql.Identifier(table)
                )
                yield from (name for (name,) in database.execute(named))

    # -- Programs -----------------------------------------------------------------------------------------------------

    def _program(self, name: str, database: psycopg.Connection | None = None) -> str:
        """Its path. Raises BackupError where it is not there, or is older than the server."""
        path = shutil.which(name)
        server = database.info.server_version // 10000 if database else None
        if path is None:
            told = {"program": name, "package": f"postgresql-client-{server}" if server else "postgresql-client"}
            raise BackupError(_("%(program)s is not installed: install PostgreSQL's client programs (Debian: %(package)s).") % told)  # noqa: E501  # fmt: skip
        said = subprocess.run([path, "--version"], capture_output=True, check=False).stdout.decode()  # noqa: S603  (ours)
        found = re.search(r"\) (\d+)", said)
        if server and found and int(found[1]) < server:
            versions = {"program": name, "version": found[1], "server": server}
            raise BackupError(_("%(program)s is version %(version)s and the server %(server)s: install postgresql-client-%(server)s.") % versions)  # noqa: E501  # fmt: skip
        return path

    def _run(self, command: list[str], *, connected: bool = True) -> None:
        if connected:
            command = [command[0], f"--dbname={self._conninfo()}", "--no-password", *command[1:]]
        done = subprocess.run(command, capture_output=True, check=False, env=self._environment())  # noqa: S603  (ours)
        if done.returncode:
            told = {"program": Path(command[0]).name, "why": _last_line(done.stderr)}
            raise BackupError(_("%(program)s has failed: %(why)s") % told)

    def _conninfo(self) -> str:
        """Without the password, which every process of this machine could read there."""
        known = {"host": "HOST", "port": "PORT", "user": "USER", "dbname": "NAME"}
        named = {key: str(self._settings[name]) for key, name in known.items() if self._settings[name]}
        named |= {key: value for key, value in self._settings.get("OPTIONS", {}).items() if key.startswith("ssl")}
        return make_conninfo("", **named)

    def _environment(self) -> dict[str, str]:
        password = self._settings["PASSWORD"]
        return {**os.environ, **({"PGPASSWORD": password} if password else {})}

    @contextmanager
    def _open(self, *, autocommit: bool = False) -> Iterator[psycopg.Connection]:
        password = self._settings["PASSWORD"] or None
        try:
            with psycopg.connect(self._conninfo(), password=password, autocommit=autocommit) as database:
                yield database
        except psycopg.Error as error:
            told = {"where": self.where(), "why": str(error).strip().partition("\n")[0]}
            raise BackupError(_("The database %(where)s cannot be read: %(why)s") % told) from error


def _last_line(said: bytes) -> str:
    """What a program gave up with."""
    return said.decode(errors="replace").strip().rpartition("\n")[2]
