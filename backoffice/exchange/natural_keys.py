"""Which records the rows of a file mean, by what people know them by."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import models
from import_export.instance_loaders import BaseInstanceLoader

from backoffice.exchange.columns import Row


class ByNaturalKey(BaseInstanceLoader):
    """The records that some rows mean, read in one query."""

    def __init__(self, resource, dataset: Sequence[Row]):
        super().__init__(resource, dataset)
        resource.before_chunk(dataset)
        self._found: dict[tuple, list[models.Model]] = {}
        rows = [row for row in dataset if row.key is not None]
        for instance in resource.on_file(rows) if rows else []:
            self._found.setdefault(resource.key_of(instance, rows[0]), []).append(instance)

    def get_instance(self, row: Row) -> models.Model | None:
        found = self._found.get(row.key, [])
        if len(found) > 1:
            raise ValidationError(self.resource.ambiguous(row, len(found)))
        return found[0] if found else None
