"""The history of many new rows in one statement.

simple-history builds an object for each row and sends each of its values to the database once more: 40 % of an import.
Here the database copies the rows into the history table by itself. What is written is the same; a test compares.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.utils import timezone
from simple_history.models import HistoricalChanges
from simple_history.utils import get_history_manager_for_model, get_history_model_for_model

from backoffice.models import User

BATCH = 500  # keys in one statement


def write_history_of_new(rows: Sequence[models.Model], *, user: User | None, reason: str) -> None:
    """Each row's first version: who made it, when, why. The rows are in the database, and unchanged since."""
    model = type(rows[0])
    history = get_history_model_for_model(model)
    copied = [field.column for field in history.tracked_fields]
    now = timezone.now()
    written = {
        "history_date": now,
        "history_change_reason": reason,
        "history_type": "+",
        "history_user": user.pk if user else None,
    }
    into = [history._meta.get_field(name).column for name in written]
    values = [_prepared(history._meta.get_field(name), value) for name, value in written.items()]
    keys = [row.pk for row in rows]
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        sql = (
            f"INSERT INTO {_quoted(history._meta.db_table)} ({_names(copied + into)}) "  # noqa: S608  (names of ours)
            f"SELECT {_names(copied)}, {_places(values)} FROM {_quoted(model._meta.db_table)} "
            f"WHERE {_quoted(model._meta.pk.column)} IN ({_places(batch)})"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [*values, *batch])
    _write_links(model, history, keys, now)


def _write_links(model: type[models.Model], history: type[HistoricalChanges], keys: list, moment: datetime) -> None:
    """The many-to-many links that the history keeps, such as an appointment's symptoms."""
    for relation in history._history_m2m_fields:
        kept = get_history_manager_for_model(model).filter(**{f"{model._meta.pk.name}__in": keys}, history_date=moment)
        versions = dict(kept.values_list(model._meta.pk.name, "pk"))
        links = relation.remote_field.through._base_manager.filter(**{f"{relation.m2m_field_name()}__in": keys})
        copies = getattr(history, relation.name).model
        names = [field.attname for field in links.model._meta.fields]
        source = links.model._meta.get_field(relation.m2m_field_name()).attname
        copies._base_manager.bulk_create(
            [
                copies(history_id=versions[getattr(link, source)], **{name: getattr(link, name) for name in names})
                for link in links
            ],
            batch_size=BATCH,
        )


def _prepared(field: models.Field, value: object) -> Any:
    return field.get_db_prep_save(value, connection)


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(str(name))


def _names(columns: Sequence[str | None]) -> str:
    return ", ".join(map(_quoted, columns))


def _places(values: Sequence) -> str:
    return ", ".join(["%s"] * len(values))
