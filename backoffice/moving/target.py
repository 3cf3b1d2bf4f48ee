"""The PostgreSQL database that an installation moves to.

How far a move is stands there, in a schema of its own (`database_move`), written with the rows that it tells of: who is
killed goes on from the last batch. The foreign keys are away meanwhile, so that tables come in any order; they stand
there too, and come back, looked at row by row, with the end.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.utils.translation import gettext as _
from psycopg.sql import SQL, Composed, Identifier
from psycopg.types.string import TextLoader

from backoffice.moving.refusals import MoveRefusedError
from backoffice.moving.tables import Table
from backoffice.moving.values import Column

# `migrate` fills these; of an installation that nobody has used yet they are the only ones that hold anything.
FILLED_BY_MIGRATE = frozenset(
    {
        "auth_group", "auth_group_permissions", "auth_permission", "backoffice_historicalrole", "backoffice_role",
        "django_content_type", "django_q_schedule",
    }
)  # fmt: skip
# What `migrate` did here stays, and a cache begins anew.
NOT_MOVED = frozenset({"django_migrations", "cache"})

ONE_MOVE_AT_A_TIME = 0x636F6C6C  # the number of an advisory lock

COLUMNS = """
SELECT table_name, column_name, data_type, character_maximum_length, numeric_precision, numeric_scale,
       is_generated = 'ALWAYS', is_identity = 'YES'
FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
ORDER BY table_name, ordinal_position
"""
KEYS = """
SELECT conrelid::regclass::text, attname
FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
WHERE contype = 'p' AND cardinality(conkey) = 1 AND connamespace = current_schema()::regnamespace
"""
FOREIGN_KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
"""
BEGIN = f"""
CREATE SCHEMA database_move;
CREATE TABLE database_move.origin (source text NOT NULL);
CREATE TABLE database_move.copied (name text PRIMARY KEY, last_key jsonb);
CREATE TABLE database_move.foreign_keys (table_name text, name text, definition text);
INSERT INTO database_move.foreign_keys {FOREIGN_KEYS};
"""


class Target:
    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    # -- What is there ----------------------------------------------------------------------------------------------

    def encoding(self) -> str:
        return self._one("SHOW server_encoding")

    def migrations(self) -> set[tuple[str, str]]:
        if self._one("SELECT to_regclass('django_migrations')") is None:
            return set()
        return set(self._connection.execute("SELECT app, name FROM django_migrations").fetchall())

    def tables(self) -> list[Table]:
        """All that is there, in the order of their names."""
        keys: dict[str, str] = dict(self._connection.execute(KEYS).fetchall())
        columns: dict[str, list[Column]] = {}
        numbered: dict[str, str] = {}
        for table, name, kind, length, digits, places, is_generated, is_numbered in self._connection.execute(COLUMNS):
            if kind != "numeric":
                digits = places = None  # bits, of the other numbers
            columns.setdefault(table, []).append(Column(name, kind, length, digits, places, is_generated))
            if is_numbered:
                numbered[table] = name
        return [Table(name, keys.get(name, ""), tuple(found), numbered.get(name)) for name, found in columns.items()]

    def with_rows(self, tables: Iterable[Table]) -> list[str]:
        asked = [
            SQL("SELECT {name} WHERE EXISTS (SELECT FROM {table})").format(
                name=table.name, table=Identifier(table.name)
            )
            for table in tables
        ]
        return [name for (name,) in self._connection.execute(SQL(" UNION ALL ").join(asked))]

    def begun_from(self) -> str | None:
        """The file from which a move was begun here and has not ended."""
        if self._one("SELECT to_regclass('database_move.origin')") is None:
            return None
        return self._one("SELECT source FROM database_move.origin")

    def digest_rows(self, table: Table, at_once: int) -> Iterator[Sequence[tuple]]:
        """All rows, in no order, as they are now."""
        names = SQL(", ").join(Identifier(column.name) for column in table.columns)
        with self._connection.transaction(), self._connection.cursor("rows") as found:
            found.execute(SQL("SELECT {} FROM {}").format(names, Identifier(table.name)))
            while rows := found.fetchmany(at_once):
                yield rows

    # -- Steps ------------------------------------------------------------------------------------------------------

    def begin(self, source: str, tables: Sequence[Table]) -> None:
        """Take the foreign keys away, and what `migrate` filled; or, of a move that was begun, all that it brought."""
        with self._connection.transaction():
            if self.begun_from() is None:
                self._connection.execute(BEGIN)
                for table, name, _definition in self._foreign_keys():
                    drop = SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(Identifier(table), Identifier(name))
                    self._connection.execute(drop)
            self._connection.execute("TRUNCATE database_move.origin, database_move.copied")
            self._connection.execute("INSERT INTO database_move.origin VALUES (%s)", [source])
            self._connection.execute(SQL("TRUNCATE {}").format(_named(table.name for table in tables)))

    def last_keys(self) -> dict[str, Any]:
        """The last key that came here, of each table that was begun."""
        return dict(self._connection.execute("SELECT name, last_key::text FROM database_move.copied").fetchall())

    def take(self, table: Table, rows: Iterable[Sequence[Any]], last_key: Any) -> None:
        """Write rows, and that they are written, or neither."""
        copy = SQL("COPY {} ({}) FROM STDIN").format(
            Identifier(table.name), _named(column.name for column in table.written)
        )
        with self._connection.transaction(), self._connection.cursor() as cursor:
            with cursor.copy(copy) as taking:
                for row in rows:
                    taking.write_row(row)
            cursor.execute(
                "INSERT INTO database_move.copied VALUES (%s, %s) "
                "ON CONFLICT (name) DO UPDATE SET last_key = excluded.last_key",
                [table.name, json.dumps(last_key)],
            )

    def end(self, last_numbers: dict[Table, int]) -> None:
        """Put the foreign keys back, go on numbering behind the highest number ever given, and forget the move.

        Raises psycopg.IntegrityError where a row names another that is not there.
        """
        with self._connection.transaction():
            for name, foreign_key, definition in self._foreign_keys():
                add = SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(Identifier(name), Identifier(foreign_key))
                self._connection.execute(add + SQL(definition))  # as PostgreSQL itself said it
            for table, number in last_numbers.items():
                self._number_on(table, table.numbered or "", number)
            self._connection.execute("DROP SCHEMA database_move CASCADE")
        self._connection.execute("ANALYZE")

    def _number_on(self, table: Table, column: str, last_number: int) -> None:
        highest = SQL("greatest({}, (SELECT max({}) FROM {}))").format(
            last_number, Identifier(column), Identifier(table.name)
        )
        self._connection.execute(
            SQL("SELECT setval(pg_get_serial_sequence({}, {}), greatest(1, {highest}), {highest} > 0)").format(
                Identifier(table.name).as_string(self._connection), column, highest=highest
            )
        )

    def _foreign_keys(self) -> list[tuple[str, str, Any]]:
        return self._connection.execute(
            "SELECT table_name, name, definition FROM database_move.foreign_keys"
        ).fetchall()

    def _one(self, question: str) -> Any:
        found = self._connection.execute(question).fetchone()
        return found[0] if found else None


@contextmanager
def opened(url: str) -> Iterator[Target]:
    """Raises MoveRefusedError where the database cannot be reached, or another move is at it."""
    if not url.startswith(("postgres://", "postgresql://")):
        raise MoveRefusedError(_("Name the database like postgres://user@host:5432/collimator."))
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        # libpq's own words name host, port, user and database, and never the password.
        raise MoveRefusedError(_("PostgreSQL does not answer there: %(why)s") % {"why": error}) from None
    with connection:
        connection.execute("SET TIME ZONE 'UTC'")
        connection.adapters.register_loader("jsonb", TextLoader)
        if not connection.execute("SELECT pg_try_advisory_lock(%s)", [ONE_MOVE_AT_A_TIME]).fetchone()[0]:  # type: ignore[index]
            raise MoveRefusedError(_("Another move into this database is under way."))
        yield Target(connection)


def _named(names: Iterable[str]) -> Composed:
    return SQL(", ").join(map(Identifier, names))
