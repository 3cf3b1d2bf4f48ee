import backoffice.sealing.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clinic', '0004_sealed'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='patient',
            index=models.Index(backoffice.sealing.fields.IndexOf('national_id'), name='patient_by_national_id'),
        ),
        migrations.AddConstraint(
            model_name='patient',
            constraint=backoffice.sealing.fields.SealedOnce(by_guard=False, condition=models.Q(models.Q(('national_id', ''), _negated=True), ('hidden_at', None)), field='national_id', name='one_visible_patient_per_national_id', violation_error_message='Another patient already has this national ID.'),
        ),
        migrations.AddConstraint(
            model_name='patient',
            constraint=backoffice.sealing.fields.SealedOnce(by_guard=True, condition=models.Q(models.Q(('national_id', ''), _negated=True), ('hidden_at', None)), field='national_id', name='one_visible_patient_as_guarded', violation_error_message='Another patient already has this national ID.'),
        ),
    ]
