"""Sealed columns rewritten a batch at a time, while people work: sealed for the first time, or by another key.

What is done is known by the cells themselves, so that whoever is killed goes on where they were. A cell that somebody
else writes meanwhile is theirs; what cannot be read stays as it is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from backoffice.sealing.cells import HEAD, MARK, UnreadableError, seal, unseal
from backoffice.sealing.fields import Sealed
from backoffice.sealing.keys import keys

BATCH = 500  # rows: a lock no longer than a page takes


@dataclass(frozen=True)
class Column:
    table: str
    key: str
    name: str
    sealed_as: str
    nothing: str = ""

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"


def columns() -> list[Column]:
    """All sealed columns, those of histories too."""
    return [
        Column(model._meta.db_table, str(model._meta.pk.column), str(field.column), field.sealed_as, field.nothing)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, Sealed)
    ]


def sealed_first(column: Column, is_plain: str, using: str = DEFAULT_DB_ALIAS) -> int:
    """Seal what still lies in the column as it was; `is_plain` is the SQL that tells it. Returns how many that were."""
    return sum(done for done, _failed in _rewritten(column, is_plain, lambda cell: seal(cell, column.sealed_as), using))


def sealed_anew(column: Column, using: str = DEFAULT_DB_ALIAS) -> Iterator[tuple[int, int]]:
    """Seal by the first key what an older one sealed. Yields after each batch how many that were, and how many cells
    could not be read."""
    return _rewritten(column, stale(column), lambda cell: seal(unseal(cell, column.sealed_as), column.sealed_as), using)


def forgotten(column: Column, key: str, using: str = DEFAULT_DB_ALIAS) -> int:
    """Give up what the lost key of this name has sealed; returns how many cells that were."""
    is_of_it = f"{_name_of_key(column)} = '{key}'"
    given_up = _rewritten(column, is_of_it, lambda cell: seal(column.nothing, column.sealed_as), using)
    return sum(done for done, _failed in given_up)


def is_anything_stale(using: str = DEFAULT_DB_ALIAS) -> bool:
    return any(_read(column, stale(column), None, using) for column in columns())


def seal_anew() -> int:
    """What an older key sealed is sealed by the first, at night; of what cannot be read `check_integrity` tells."""
    return sum(done for column in columns() for done, _failed in sealed_anew(column))


def stale(column: Column) -> str:
    """The SQL of what is not as it would be sealed today: see `cells.is_current`."""
    index, guard = f"SUBSTR({column.name}, 1, {MARK})", f"SUBSTR({column.name}, {MARK + 1}, {MARK})"
    sign = "<>" if len(keys()) == 1 else "="
    return f"({_name_of_key(column)} <> '{keys()[0].name}' OR {index} {sign} {guard})"


def _name_of_key(column: Column) -> str:
    return f"SUBSTR({column.name}, {2 * MARK + 1}, {HEAD - 2 * MARK})"


def cells(column: Column, condition: str = "1 = 1", using: str = DEFAULT_DB_ALIAS) -> Iterator[list[tuple[int, str]]]:
    """(key, cell) of the rows that have one, in batches, by key."""
    last = None
    while batch := _read(column, condition, last, using):
        yield batch
        last = batch[-1][0]


def _rewritten(column: Column, condition: str, rewrite: Callable[[str], str], using: str) -> Iterator[tuple[int, int]]:
    quoted = connections[using].ops.quote_name
    update = (
        f"UPDATE {quoted(column.table)} SET {quoted(column.name)} = %s "  # noqa: S608  (names of ours)
        f"WHERE {quoted(column.key)} = %s AND {quoted(column.name)} = %s"
    )
    for batch in cells(column, condition, using):
        written, failed = [], 0
        for key, cell in batch:
            try:
                written.append((rewrite(cell), key, cell))
            except UnreadableError:
                failed += 1
        if written:
            with transaction.atomic(using=using), connections[using].cursor() as cursor:
                cursor.executemany(update, written)
        yield len(written), failed


def _read(column: Column, condition: str, last: int | None, using: str) -> list[tuple[int, str]]:
    quoted = connections[using].ops.quote_name
    after = "" if last is None else f"AND {quoted(column.key)} > %s "
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"SELECT {quoted(column.key)}, {quoted(column.name)} FROM {quoted(column.table)} "  # noqa: S608
            f"WHERE {quoted(column.name)} <> '' AND {condition} {after}ORDER BY {quoted(column.key)} LIMIT {BATCH}",
            None if last is None else [last],
        )
        return cursor.fetchall()
