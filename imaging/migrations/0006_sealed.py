"""What films' files give as the patient's ID is sealed; of what contradicts the patient, its last signs are kept."""

from django.db import migrations

from backoffice.records.text import masked
from backoffice.sealing.rewriting import Column, sealed_first

ID = "national_id"


def seal(apps, schema_editor):
    """In batches: whoever is killed goes on where they were."""
    using = schema_editor.connection.alias
    for name in ("XRayImage", "HistoricalXRayImage"):
        mask(apps.get_model("imaging", name), using)
    for table, key in [("imaging_xrayimage", "id"), ("imaging_historicalxrayimage", "history_id")]:
        column = Column(table, key, "dicom_patient_id", "imaging.film.patient_id")
        sealed_first(column, "LENGTH(dicom_patient_id) <= 64", using)


def mask(model, using):
    """A contradiction that was settled is asked again when the film is next compared: its mark had no key."""
    rows = model.objects.using(using)
    for column, kept in [("identity_conflict", masked), ("settled_conflict", lambda mark: "")]:
        for key, found in list(rows.filter(**{f"{column}__has_key": ID}).values_list("pk", column)):
            rows.filter(pk=key).update(**{column: found | {ID: kept(found[ID])}})


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("imaging", "0005_sealed_columns")]

    operations = [migrations.RunPython(seal)]
