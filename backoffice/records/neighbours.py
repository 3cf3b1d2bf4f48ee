"""The rows before and after one in a sorted list: each by a few steps into an index, however long the list is.

A list is sorted by columns, the last of which no two rows share. What follows a row is equal to it in the first columns
and beyond it in the next: from the most columns that can be equal to none, each is one query with an end of its own,
which databases answer from an index. In one condition with OR they would read the list from its beginning.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model, Q, QuerySet


class Column(NamedTuple):
    """By what a list is sorted, and what the row has there."""

    name: str
    is_descending: bool
    value: Any

    @property
    def order(self) -> str:
        return f"-{self.name}" if self.is_descending else self.name

    def reversed(self) -> "Column":
        return self._replace(is_descending=not self.is_descending)

    def beyond(self) -> Iterator[Q]:
        """What comes behind the row by this column, nearest first."""
        # PostgreSQL takes nothing for more than everything, SQLite for less.
        nothing_is_last = (connection.vendor == "postgresql") != self.is_descending
        if self.value is not None:
            yield Q(**{f"{self.name}__{'lt' if self.is_descending else 'gt'}": self.value})
            if nothing_is_last:
                yield Q(**{f"{self.name}__isnull": True})
        elif not nothing_is_last:
            yield Q(**{f"{self.name}__isnull": False})

    def same(self) -> Q:
        return Q(**{f"{self.name}__isnull": True} if self.value is None else {self.name: self.value})


class Neighbours:
    """Those of a row in a list that is sorted by names of columns, as `order_by` takes them."""

    def __init__(self, listed: QuerySet, row: Model) -> None:
        self._listed = listed
        self._key = row.pk
        names = [(str(name).lstrip("-"), str(name).startswith("-")) for name in listed.query.order_by]
        values = listed.model._base_manager.filter(pk=row.pk).values_list(*(name for name, _down in names)).get()
        self._columns = [Column(*name, value) for name, value in zip(names, values, strict=True)]

    def is_listed(self) -> bool:
        return self._listed.filter(pk=self._key).exists()

    def after(self) -> Any:
        """The key of the next row, None where there is none."""
        return self._nearest(self._columns)

    def before(self) -> Any:
        return self._nearest([column.reversed() for column in self._columns])

    def number_before(self, most: int) -> int:
        """How many rows come before it; `most` where there are as many or more."""
        number = 0
        for beyond in _beyond(self._listed, [column.reversed() for column in self._columns]):
            number += beyond[: most - number].count()
            if number >= most:
                break
        return number

    def _nearest(self, columns: Sequence[Column]) -> Any:
        found = (beyond.values_list("pk", flat=True).first() for beyond in _beyond(self._listed, columns))
        return next((key for key in found if key is not None), None)


def _beyond(listed: QuerySet, columns: Sequence[Column]) -> Iterator[QuerySet]:
    """The rows beyond one, nearest first, in parts that are each sorted."""
    for at in reversed(range(len(columns))):
        equal = Q(*(column.same() for column in columns[:at]))
        order = [column.order for column in columns[at:]]
        for beyond in columns[at].beyond():
            yield listed.filter(equal, beyond).order_by(*order)
