"""What phones' codes are computed from is sealed; the phones stay good."""

from django.db import migrations
from django_otp.util import random_hex


def seal(apps, schema_editor):
    using = schema_editor.connection.alias
    phones = apps.get_model("otp_totp", "TOTPDevice").objects.using(using)
    sealed = apps.get_model("backoffice", "PhoneSecret").objects.using(using)
    for phone in phones.filter(sealed=None).iterator():
        sealed.create(phone_id=phone.pk, secret=phone.key)
        phones.filter(pk=phone.pk).update(key=random_hex(len(phone.key) // 2))


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0013_phone_secrets")]

    operations = [migrations.RunPython(seal)]
