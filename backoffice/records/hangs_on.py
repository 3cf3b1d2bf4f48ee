"""What is hidden takes along what hangs on it: the films of a hidden patient, and what the models said about them.

Each model names in HANGS_ON the relations that it cannot be seen without. A condition asks for the few hidden rows
there, which have an index, and compares with a column of the row itself. So lists follow their own indexes, and an
UPDATE whose condition is asked again, because somebody else was first, still asks the row and nothing else.
"""

from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

from django.db.models import Model, QuerySet

from backoffice.readers import Reader
from backoffice.records.locks import lock_by_key
from backoffice.records.relations import may_change

Rows = TypeVar("Rows", bound=QuerySet)


class Hanging(Protocol):
    """A record that can be hidden, and the relations that it cannot be seen without."""

    HANGS_ON: tuple[str, ...]

    @property
    def is_hidden(self) -> bool: ...


def taken_along(model: type[Model]) -> Iterator[tuple[type[Model], dict[str, QuerySet]]]:
    """(what is hidden, the lookup of those rows of `model` that it takes along), for every relation on the way."""
    for link in getattr(model, "HANGS_ON", ()):
        above: Any = model._meta.get_field(link).related_model
        rows = above._base_manager.order_by()
        yield above, {f"{link}__in": rows.filter(hidden_at__isnull=False).values("pk")}
        for hidden, lookup in taken_along(above):
            yield hidden, {f"{link}__in": rows.filter(**lookup).values("pk")}


def without_what_is_taken_along(rows: Rows) -> Rows:
    for _hidden, lookup in taken_along(rows.model):
        rows = rows.exclude(**lookup)
    return rows


def without_what_is_gone_for(rows: Rows, user: Reader) -> Rows:
    """Without what is hidden, or hangs on what is, where this person could not bring it back."""
    if not may_change(user, rows.model):
        rows = rows.filter(hidden_at=None)
    for hidden, lookup in taken_along(rows.model):
        if not may_change(user, hidden):
            rows = rows.exclude(**lookup)
    return rows


def hidden_above(record: Hanging) -> Iterator[Hanging]:
    """The record itself where it is hidden, and whatever hidden record it hangs on."""
    if record.is_hidden:
        yield record
    for link in record.HANGS_ON:
        yield from hidden_above(getattr(record, link))


def lock_with_above(record: Model) -> None:
    """Lock what it hangs on, and then the record itself: nobody hides any of them until the transaction ends."""
    for link in getattr(record, "HANGS_ON", ()):
        lock_with_above(getattr(record, link))
    lock_by_key(type(record), [record.pk])
