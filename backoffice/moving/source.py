"""The SQLite file that an installation moves from: read, and held so that nobody else has it open meanwhile."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from backoffice.moving.refusals import MoveRefusedError
from backoffice.moving.tables import Table

PATIENCE = 5  # seconds for whoever is just leaving


class Source:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def tables(self) -> set[str]:
        named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        return {name for (name,) in self._connection.execute(named)}

    def columns(self, table: str) -> set[str]:
        described = self._connection.execute("SELECT name FROM pragma_table_xinfo(?)", [table])
        return {name for (name,) in described}

    def migrations(self) -> set[tuple[str, str]]:
        if "django_migrations" not in self.tables():
            return set()
        return set(self._connection.execute("SELECT app, name FROM django_migrations"))

    def count(self, table: Table, after: Any = None) -> int:
        """How many rows there are, beyond a key where one is given."""
        where, values = _beyond(table, after)
        [(n,)] = self._connection.execute(f"SELECT count(*) FROM {_quoted(table.name)} {where}", values)  # noqa: S608
        return n

    def rows(self, table: Table, at_once: int, after: Any = None) -> Iterator[list[tuple]]:
        """All rows in the order of their keys, beyond one where it is given, so many at once."""
        names = ", ".join(_quoted(column.name) for column in table.columns)
        where, values = _beyond(table, after)
        order = f"ORDER BY {_quoted(table.key)}"
        found = self._connection.execute(f"SELECT {names} FROM {_quoted(table.name)} {where} {order}", values)  # noqa: S608
        with closing(found):
            while rows := found.fetchmany(at_once):
                yield rows

    def dangling(self) -> list[str]:
        """Tables with rows that name another one which is not there, each with that one's table."""
        found = self._connection.execute('SELECT DISTINCT "table", parent FROM pragma_foreign_key_check ORDER BY 1, 2')
        return [f"{table} → {parent}" for table, parent in found]

    def last_number(self, table: str) -> int:
        """The highest key that was ever given, also to a row that is gone: history still names it."""
        found = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", [table]).fetchone()
        return found[0] if found else 0


@contextmanager
def held(path: Path) -> Iterator[Source]:
    """The file, which nobody else can even open until this ends. Raises MoveRefusedError where somebody has it open, or
    where there is none."""
    if not path.exists():
        raise MoveRefusedError(_("There is no database at %(path)s.") % {"path": path})
    with closing(sqlite3.connect(path.as_uri() + "?mode=rw", uri=True, timeout=PATIENCE, isolation_level=None)) as own:
        # Bytes that are no UTF-8 become half characters, which are then told by row and field.
        own.text_factory = lambda raw: raw.decode(errors="surrogateescape")
        own.execute("PRAGMA locking_mode = EXCLUSIVE")
        try:
            own.execute("BEGIN IMMEDIATE")  # a connection that only rests holds the file too
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            what = _("Web or workers have %(path)s open. Stop them all, so that nothing is written meanwhile.")
            raise MoveRefusedError(what % {"path": path}) from None
        yield Source(own)
        own.execute("ROLLBACK")


def _beyond(table: Table, after: Any) -> tuple[str, Sequence[Any]]:
    return ("", []) if after is None else (f"WHERE {_quoted(table.key)} > ?", [after])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
