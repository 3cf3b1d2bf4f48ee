"""Rows of imports, kept for a few days, are sealed."""

from django.db import migrations

from backoffice.sealing.rewriting import Column, sealed_first


def seal(apps, schema_editor):
    """In batches: whoever is killed goes on where they were."""
    column = Column("backoffice_tableimport", "id", "details", "backoffice.import.details")
    sealed_first(column, "SUBSTR(details, 1, 1) = '{'", schema_editor.connection.alias)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("backoffice", "0011_sealed_columns")]

    operations = [migrations.RunPython(seal)]
