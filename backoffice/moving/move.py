"""The steps of a move: look whether it can be, bring the rows over, compare, end.

Until the first step has found nothing to object to, nothing is written anywhere. From then on the target is marked, and
another run goes on where this one was stopped.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.formats.lists import told_of
from backoffice.moving.refusals import MoveRefusedError
from backoffice.moving.source import Source
from backoffice.moving.tables import Table
from backoffice.moving.target import FILLED_BY_MIGRATE, NOT_MOVED, Target
from backoffice.moving.values import KINDS, Digest, ImpossibleValueError, converted

AT_ONCE = 2000  # rows of a batch
MOST_TOLD = 20  # faults

Progress = Callable[[int], object]
"""Told after each batch how many rows it had."""


class Move:
    """From a file that nobody else has open into a migrated database that nobody uses yet.

    `origin` is how the file is known in the target: another run goes on only from the same one.
    """

    def __init__(self, source: Source, target: Target, origin: str, at_once: int = AT_ONCE) -> None:
        self.source, self.target, self.origin, self.at_once = source, target, origin, at_once
        self.tables = self._comparable_tables()
        self.digests: dict[str, tuple[int, int]] = {}

    def count(self) -> int:
        return sum(self.source.count(table) for table in self.tables)

    # -- Whether it can be ------------------------------------------------------------------------------------------

    def _comparable_tables(self) -> list[Table]:
        """Raises MoveRefusedError where both databases do not have the same tables, by the same migrations."""
        if self.target.encoding() != "UTF8":
            raise MoveRefusedError(_("The database's encoding is not UTF8: create it anew, with ENCODING 'UTF8'."))
        migrations = self.source.migrations()
        if not migrations or migrations != self.target.migrations():
            told = _(
                "The migrations of both databases differ. Run `manage.py migrate` twice: as it is now, and with "
                "DATABASE_URL set to the new database."
            )
            raise MoveRefusedError(told)
        tables = [table for table in self.target.tables() if table.name not in NOT_MOVED]
        names = {table.name for table in tables}
        if other := names ^ (self.source.tables() - NOT_MOVED):
            told = _("Only one of both databases has these tables: %(names)s. They belong to something else.")
            raise MoveRefusedError(told % {"names": ", ".join(sorted(other))})
        for table in tables:
            self._look_at_columns(table)
        return tables

    def _look_at_columns(self, table: Table) -> None:
        other = {column.name for column in table.columns} ^ self.source.columns(table.name)
        other |= {column.name for column in table.columns if column.kind not in KINDS}
        if other or not table.key:
            told = _("%(table)s is not the same table in both databases: %(names)s.")
            raise MoveRefusedError(told % {"table": table.name, "names": ", ".join(sorted(other)) or "PRIMARY KEY"})

    def look_at_the_target(self, *, anew: bool) -> None:
        """It holds nothing, or what a move from this very file has brought. Raises MoveRefusedError."""
        if begun := self.target.begun_from():
            if begun != self.origin and not anew:
                told = _("A move from another file was begun there: %(origin)s. Go on with that, or use --anew.")
                raise MoveRefusedError(told % {"origin": begun})
            return
        if found := self.target.with_rows(table for table in self.tables if table.name not in FILLED_BY_MIGRATE):
            told = _("The database holds something already: %(names)s. Take an empty one, in which migrate has run.")
            raise MoveRefusedError(told % {"names": ", ".join(found)})

    def look_at_the_rows(self, progress: Progress) -> None:
        """Every value fits, and every row that another one names is there. Raises MoveRefusedError."""
        faults = Faults()
        for each in self.source.dangling():
            faults.add(each, _("a row names one that is not there"))
        for table in self.tables:
            digest = Digest(table.columns)
            for rows in self.source.rows(table, self.at_once):
                fitting = [row for row in (fitted(table, each, faults) for each in rows) if row is not None]
                digest.add(fitting)
                progress(len(rows))
            self.digests[table.name] = digest.result
        if faults.count:
            raise MoveRefusedError(str(faults))

    # -- The move itself --------------------------------------------------------------------------------------------

    def begin(self, *, anew: bool) -> bool:
        """False: it was begun before, and goes on."""
        if self.target.begun_from() and not anew:
            return False
        self.target.begin(self.origin, self.tables)
        return True

    def copy(self, progress: Progress) -> None:
        begun = {name: json.loads(key) for name, key in self.target.last_keys().items()}
        for table in self.tables:
            after = begun.get(table.name)
            progress(self.digests[table.name][0] - self.source.count(table, after))
            for rows in self.source.rows(table, self.at_once, after):
                self.target.take(table, written(table, rows), _key_of(table, rows[-1]))
                progress(len(rows))

    def compare(self, progress: Progress) -> None:
        """Read everything again, there. Raises MoveRefusedError where a table is not what was read here."""
        differing = []
        for table in self.tables:
            digest = Digest(table.columns)
            for rows in self.target.digest_rows(table, self.at_once):
                digest.add(rows)
                progress(len(rows))
            if digest.result != self.digests[table.name]:
                differing.append(table.name)
        if differing:
            told = _(
                "These tables are not the same there: %(names)s. Somebody has written into one of both databases since "
                "the move was begun. Stop whoever it is, and run this again with --anew."
            )
            raise MoveRefusedError(told % {"names": ", ".join(differing)})

    def end(self) -> None:
        numbers = {table: self.source.last_number(table.name) for table in self.tables if table.numbered}
        try:
            self.target.end(numbers)
        except psycopg.IntegrityError as error:
            told = _("A row names one that is not there: %(table)s, %(constraint)s.")
            where = {"table": error.diag.table_name, "constraint": error.diag.constraint_name}
            raise MoveRefusedError(told % where) from None


class Faults:
    """What does not fit: all are counted, and the first told, each with its row and field."""

    def __init__(self) -> None:
        self.count = 0
        self.told: list[str] = []

    def add(self, where: str, why: str) -> None:
        self.count += 1
        if len(self.told) < MOST_TOLD:
            self.told.append(told_of(where, why))

    def __str__(self) -> str:
        closing = ngettext(
            "%(n)d value does not fit. Nothing was moved: mend it in the site, and run this again.",
            "%(n)d values do not fit. Nothing was moved: mend them in the site, and run this again.",
            self.count,
        )
        return "\n".join([*self.told, closing % {"n": self.count}])


def fitted(table: Table, row: Sequence[Any], faults: Faults) -> list[Any] | None:
    """The row as PostgreSQL takes it; None, and one more fault, where it does not."""
    values = []
    for column, value in zip(table.columns, row, strict=True):
        try:
            values.append(converted(value, column))
        except ImpossibleValueError as error:
            faults.add(f"{table.name} {shown(_key_of(table, row))}, {column.name}", str(error))
    return values if len(values) == len(table.columns) else None


def written(table: Table, rows: Sequence[Sequence[Any]]) -> Iterator[list[Any]]:
    """Rows without what PostgreSQL computes itself."""
    places = [place for place, column in enumerate(table.columns) if not column.is_generated]
    for row in rows:
        yield [converted(row[place], table.columns[place]) for place in places]


def _key_of(table: Table, row: Sequence[Any]) -> Any:
    return row[[column.name for column in table.columns].index(table.key)]


def shown(key: Any) -> str:
    """A session's key lets in whoever knows it."""
    return str(key) if isinstance(key, int) else f"{str(key)[:8]}…"
