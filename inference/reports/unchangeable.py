"""The database itself refuses to change what is published, whatever code asks it: a trigger on each.

They are no part of a migration: SQLite's way to alter a table makes it anew without them. So each `migrate` ends by
making them anew.
"""

from django.db import DatabaseError, connections

from inference.models import Report

MESSAGE = "what is published never changes"


def is_refusal(error: DatabaseError) -> bool:
    return MESSAGE in str(error)


def _changed(distinct: str) -> str:
    changed = [f"OLD.{name} {distinct} NEW.{name}" for name in Report.FIXED]
    # Once withdrawn, it stays so.
    return " OR ".join([*changed, f"(OLD.withdrawn_at IS NOT NULL AND OLD.withdrawn_at {distinct} NEW.withdrawn_at)"])


def _statements(vendor: str) -> list[str]:
    table = Report._meta.db_table
    if vendor == "postgresql":
        return [
            f"CREATE OR REPLACE FUNCTION {table}_stays() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'restrict_violation'; END $$",
            f"DROP TRIGGER IF EXISTS {table}_stays ON {table}",
            f"CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} FOR EACH ROW "
            f"WHEN (OLD.status = 'published' AND ({_changed('IS DISTINCT FROM')})) "
            f"EXECUTE FUNCTION {table}_stays()",
        ]
    return [
        f"DROP TRIGGER IF EXISTS {table}_stays",
        f"CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} "
        f"WHEN OLD.status = 'published' AND ({_changed('IS NOT')}) "
        f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END",
    ]


def watch(*, using: str = "default", **kwargs: object) -> None:
    """Make the trigger. Runs after every migrate."""
    connection = connections[using]
    columns = set()
    with connection.cursor() as cursor:
        try:
            columns = {
                column.name for column in connection.introspection.get_table_description(cursor, Report._meta.db_table)
            }
        except DatabaseError:
            return  # its tables are not there yet
        if columns >= set(Report.FIXED):  # a migration that stopped half-way may lack some
            for statement in _statements(connection.vendor):
                cursor.execute(statement)
