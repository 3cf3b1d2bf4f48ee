"""The rows before and after one in a sorted list: each by a step or two into an index, however long the list is.

A list is sorted by columns, the last of which no two rows share. What follows a row lies at or beyond it in the first
column, and is beyond it in that, or equal in it and beyond in the next. The first half is a range of an index: by a
condition of nothing but OR, databases read the list from its beginning. Where a column may be blank, the parts are
asked for one by one, nearest first.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model, Q, QuerySet


class Column(NamedTuple):
    """By what a list is sorted, and what the row has there."""

    name: str
    is_descending: bool
    may_be_blank: bool
    value: Any

    @property
    def order(self) -> str:
        return f"-{self.name}" if self.is_descending else self.name

    def reversed(self) -> "Column":
        return self._replace(is_descending=not self.is_descending)

    def compared(self, or_equal: str = "") -> Q:
        return Q(**{f"{self.name}__{'lt' if self.is_descending else 'gt'}{or_equal}": self.value})

    def same(self) -> Q:
        return Q(**{f"{self.name}__isnull": True} if self.value is None else {self.name: self.value})

    def beyond(self) -> Iterator[Q]:
        """What comes behind the row by this column, nearest first."""
        # PostgreSQL takes nothing for more than everything, SQLite for less.
        nothing_is_last = (connection.vendor == "postgresql") != self.is_descending
        if self.value is not None:
            yield self.compared()
            if self.may_be_blank and nothing_is_last:
                yield Q(**{f"{self.name}__isnull": True})
        elif not nothing_is_last:
            yield Q(**{f"{self.name}__isnull": False})


class Neighbours:
    """Those of a row in a list that is sorted by names of columns, as `order_by` takes them."""

    def __init__(self, listed: QuerySet, row: Model) -> None:
        self._listed = listed
        self._key = row.pk
        self._columns = list(_columns(listed, row))

    def after(self) -> Any:
        """The key of the next row, None where there is none."""
        return next(iter(self._nearest(self._columns, 1)), None)

    def up_to(self, most: int) -> list[Any]:
        """The keys of so many rows at most that end with it, itself first; none where it is not in the list."""
        keys = self._nearest([column.reversed() for column in self._columns], most, or_equal="e")
        return keys if keys[:1] == [self._key] else []

    def _nearest(self, columns: Sequence[Column], most: int, or_equal: str = "") -> list[Any]:
        found: list[Any] = []
        for beyond in _beyond(self._listed, columns, or_equal):
            found += beyond.values_list("pk", flat=True)[: most - len(found)]
            if len(found) >= most:
                break
        return found


def _columns(listed: QuerySet, row: Model) -> Iterator[Column]:
    """By which the list is sorted, up to its key: beyond that nothing is left to sort."""
    for order in map(str, listed.query.order_by):
        name = order.lstrip("-")
        model: Any = listed.model
        value: Any = row
        may_be_blank, is_key = False, name in ("pk", model._meta.pk.name)
        for part in ("pk",) if is_key else name.split("__"):
            value = getattr(value, part)
            if not is_key:
                field = model._meta.get_field(part)
                may_be_blank |= field.null
                model = field.related_model
        yield Column(name, order.startswith("-"), may_be_blank, value)
        if is_key:
            return


def _beyond(listed: QuerySet, columns: Sequence[Column], or_equal: str) -> Iterator[QuerySet]:
    """The rows beyond one, nearest first, in parts that are each sorted; `or_equal`, with itself."""
    if not any(column.may_be_blank for column in columns):
        further = columns[-1].compared(or_equal)
        for column in reversed(columns[:-1]):
            further = column.compared() | (column.same() & further)
        yield listed.filter(columns[0].compared(or_equal="e"), further).order_by(*(column.order for column in columns))
        return
    for at in reversed(range(len(columns))):
        equal = Q(*(column.same() for column in columns[:at]))
        is_key = columns[at] is columns[-1]
        for beyond in [columns[at].compared(or_equal)] if is_key else columns[at].beyond():
            yield listed.filter(equal, beyond).order_by(*(column.order for column in columns[at:]))
