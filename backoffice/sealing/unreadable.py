"""Is everything that is sealed still read, and each where it was written?"""

from collections import Counter
from collections.abc import Iterator

from django.apps import apps
from django.db import connection
from django.db.models import Model
from django.utils.translation import gettext as _
from simple_history.utils import get_history_manager_for_model

from backoffice.sealing.cells import UnreadableError, unseal
from backoffice.sealing.fields import Sealed
from backoffice.sealing.rewriting import Column, cells, columns

BATCH = 500


def newest_that_is_not_read() -> str | None:
    """Why the last cell of some column cannot be read: a key that is wrong, or not there. Quick."""
    for column in columns():
        try:
            unseal(_newest(column), column.sealed_as)
        except UnreadableError as error:
            return str(error)
    return None


def unreadable() -> Iterator[str]:
    """Yield a sentence for each column and key by which values cannot be read."""
    for column in columns():
        failed: Counter[str] = Counter()
        first: dict[str, int] = {}
        for key, cell in (row for batch in cells(column) for row in batch):
            try:
                unseal(cell, column.sealed_as)
            except UnreadableError as error:
                failed[error.key] += 1
                first.setdefault(error.key, key)
        for name, count in failed.items():
            yield _(
                "%(n)d values of %(column)s are not read, the first in row %(row)d; sealed by: %(key)s. Put that key "
                "back into FIELD_KEYS; where it is there, restore these rows from a backup."
            ) % {"n": count, "column": str(column), "row": first[name], "key": name or "–"}


def moved() -> Iterator[str]:
    """Yield a sentence for each record whose sealed value is not that of the newest version in its history: somebody
    has put it there past the software, such as another row's."""
    for model in apps.get_models():
        if hasattr(model, "history"):
            for field in model._meta.concrete_fields:
                if isinstance(field, Sealed):
                    yield from _moved(model, field.attname)


def _moved(model: type[Model], name: str) -> Iterator[str]:
    key_name, last = model._meta.pk.attname, 0
    while rows := list(model._base_manager.filter(pk__gt=last).order_by("pk").values_list("pk", name)[:BATCH]):
        last = rows[-1][0]
        versions = get_history_manager_for_model(model).filter(**{f"{key_name}__in": [key for key, _value in rows]})
        newest = dict(versions.order_by("history_id").values_list(key_name, name))
        for key, value in rows:
            if newest.get(key, value) != value:
                yield _(
                    "Row %(row)d of %(table)s: what is sealed there is not what its newest version has. Compare it "
                    "with the record's history."
                ) % {"row": key, "table": model._meta.db_table}


def _newest(column: Column) -> str:
    quoted = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {quoted(column.name)} FROM {quoted(column.table)} WHERE {quoted(column.name)} <> '' "  # noqa: S608
            f"ORDER BY {quoted(column.key)} DESC LIMIT 1"
        )
        found = cursor.fetchone()
    return found[0] if found else ""
