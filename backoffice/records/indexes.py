"""Indexes for lists of a million rows, on PostgreSQL and SQLite alike."""

from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement
from django.db.models import Index, Model, Q


class SearchIndex(Index):
    """What backoffice.records.search asks of a column: `SearchIndex(Upper("full_name"), name="…")`.

    PostgreSQL finds text anywhere in it by its trigrams; elsewhere the plain index finds how it begins.
    """

    def create_sql(
        self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor, using: str = "", **kwargs: Any
    ) -> Statement:
        if schema_editor.connection.vendor != "postgresql":
            return super().create_sql(model, schema_editor, using, **kwargs)
        trigrams = [OpClass(expression, name="gin_trgm_ops") for expression in self.expressions]
        return GinIndex(*trigrams, name=self.name).create_sql(model, schema_editor, **kwargs)


def hidden_only(*fields: str, name: str) -> Index:
    """The few rows that are hidden, in a list's order."""
    return Index(fields=fields, condition=Q(hidden_at__isnull=False), name=name)
