"""Fills tables with a million rows in seconds: one INSERT … SELECT per table, no Python per row."""

from django.db import connection
from django.db.models import BooleanField, CharField, Field, JSONField, Model, TextField


def insert(model: type[Model], rows: int, where: str = "true", join: str = "", **columns: str) -> None:
    """Insert a row for every i from 1 to `rows`; `columns` gives an SQL expression over i for each."""
    usual = {str(field.column): _left_alone(field) for field in model._meta.concrete_fields}
    columns = {name: value for name, value in (usual | columns).items() if value is not None}
    every = f"WITH RECURSIVE n(i) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"  # noqa: S608
    into = f"INSERT INTO {model._meta.db_table} ({', '.join(columns)})"
    with connection.cursor() as cursor:  # every part of it is written in this file
        cursor.execute(f"{into} {every} SELECT {', '.join(columns.values())} FROM n {join} WHERE {where}")  # noqa: S608


class unchecked_foreign_keys:  # noqa: N801  (used like a function)
    """PostgreSQL would keep one trigger in memory for every reference of every row."""

    def __enter__(self) -> None:
        self._say("SET session_replication_role = replica", "PRAGMA foreign_keys = OFF")

    def __exit__(self, *failure: object) -> None:
        self._say("SET session_replication_role = DEFAULT", "PRAGMA foreign_keys = ON")

    def _say(self, postgres: str, sqlite: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(postgres if connection.vendor == "postgresql" else sqlite)


def _left_alone(field: Field) -> str | None:
    """What stands in a column that nobody fills in, as SQL; None where the database says so itself."""
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return "CURRENT_TIMESTAMP"
    if field.null or field.primary_key:
        return None
    if isinstance(field, BooleanField):
        return "true" if field.default is True else "false"
    if isinstance(field, JSONField):
        return "'{}'"
    return f"'{field.get_default()}'" if isinstance(field, CharField | TextField) else None
