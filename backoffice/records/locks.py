"""Many rows locked at once, in the order in which everybody comes to them: by key. And who waited for that in vain."""

from collections.abc import Iterable

from django.db import OperationalError, models

BATCH = 500  # keys in one statement


def lock_by_key(model: type[models.Model], keys: Iterable, value: str = "pk") -> set:
    """Lock these rows one after the other until the transaction ends, and return a column of theirs as it is behind the
    locks."""
    keys, values = sorted(keys), set()
    for start in range(0, len(keys), BATCH):
        rows = model._base_manager.filter(pk__in=keys[start : start + BATCH]).order_by("pk")
        values |= set(rows.select_for_update(no_key=True).values_list(value, flat=True))
    return values


def waited_in_vain(error: BaseException | None) -> bool:
    """SQLite lets one write at a time, and a large import writes for longer than others wait."""
    return isinstance(error, OperationalError) and "locked" in str(error)
