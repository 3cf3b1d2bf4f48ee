"""Backup codes that were kept as they are typed are kept as hashes; those on paper stay good."""

from base64 import urlsafe_b64encode

from django.db import migrations
from django.utils.crypto import salted_hmac

TYPED = 8  # characters; a hash has 16


def hash_them(apps, schema_editor):
    tokens = apps.get_model("otp_static", "StaticToken").objects.using(schema_editor.connection.alias)
    for token in tokens.iterator():
        if len(token.token) == TYPED:
            digest = salted_hmac("backoffice.backup_codes", token.token, algorithm="sha256").digest()[:12]
            tokens.filter(pk=token.pk).update(token=urlsafe_b64encode(digest).decode())


class Migration(migrations.Migration):
    dependencies = [
        ("backoffice", "0008_backups"),
        ("otp_static", "0003_add_timestamps"),
    ]

    operations = [migrations.RunPython(hash_them, migrations.RunPython.noop)]
