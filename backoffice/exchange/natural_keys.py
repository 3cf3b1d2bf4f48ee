"""Which records the rows of a file mean, by what people know them by."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from django.core.exceptions import ValidationError
from django.db import models
from import_export.instance_loaders import BaseInstanceLoader

from backoffice.exchange.columns import Row


class Keyed(Protocol):
    """What is asked of a resource here."""

    def before_chunk(self, rows: Sequence[Row], /) -> None: ...

    def on_file(self, rows: Sequence[Row], /) -> Iterable[models.Model]: ...

    def key_of(self, instance: models.Model, row: Row, /) -> tuple: ...


class ByNaturalKey(BaseInstanceLoader):
    """The records that some rows mean, read in one query."""

    def __init__(self, resource: Keyed, dataset: Sequence[Row]) -> None:
        super().__init__(resource, dataset)
        resource.before_chunk(dataset)
        self._found: dict[tuple | None, list[models.Model]] = {}
        rows = [row for row in dataset if row.key is not None]
        for instance in resource.on_file(rows) if rows else []:
            self._found.setdefault(resource.key_of(instance, rows[0]), []).append(instance)

    def get_instance(self, row: Row) -> models.Model | None:
        found = self._found.get(row.key, [])
        if len(found) > 1:
            raise ValidationError(self.resource.ambiguous(row, len(found)))
        return found[0] if found else None
