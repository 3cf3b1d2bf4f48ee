import backoffice.sealing.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('imaging', '0006_sealed'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='xrayimage',
            index=models.Index(backoffice.sealing.fields.IndexOf('dicom_patient_id'), name='xray_by_dicom_patient_id'),
        ),
    ]
