"""National IDs are sealed: of patients, in their histories, and what mergers note to take back."""

from django.db import migrations

from backoffice.sealing.rewriting import Column, sealed_first


def seal(apps, schema_editor):
    """In batches: whoever is killed goes on where they were."""
    using = schema_editor.connection.alias
    for table, key in [("clinic_patient", "id"), ("clinic_historicalpatient", "history_id")]:
        column = Column(table, key, "national_id", "clinic.patient.national_id")
        sealed_first(column, "LENGTH(national_id) <= 20", using)
    sealed_first(Column("clinic_patientmerge", "id", "changed", "clinic.merge.changed"), "SUBSTR(changed, 1, 1) = '{'", using)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("clinic", "0003_sealed_columns")]

    operations = [migrations.RunPython(seal)]
