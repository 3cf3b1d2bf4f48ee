"""The demo's people: one for each role. Their passwords are no secret, so load_demo refuses to run in production."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import OutputWrapper
from django.db.models import DateTimeField, F, Model
from django.utils.translation import ngettext

from backoffice.access import roles
from backoffice.models import User

ACCOUNTS = {
    "admin": ("Grace", "Wu", roles.ADMINISTRATORS),
    "frontdesk": ("Mei", "Chang", roles.FRONT_DESK),
    "clinician": ("Kai", "Lin", roles.CLINICIANS),
}


def password_of(username: str) -> str:
    return f"demo-{username}"


def load(stdout: OutputWrapper) -> None:
    """Add the accounts that are missing; one that is there keeps its password, and the language that it chose."""
    added = 0
    for username, (first_name, last_name, role) in ACCOUNTS.items():
        if not User.objects.filter(username=username).exists():
            person = User.objects.create_user(
                username, password=password_of(username), first_name=first_name, last_name=last_name, is_staff=True
            )
            person.groups.add(Group.objects.get(name=role))
            added += 1
    if settings.LANGUAGES[0][0] != settings.LANGUAGE_CODE:
        # Whoever starts the demo in this language reads it, whatever their browser asks for.
        User.objects.filter(username__in=ACCOUNTS, language="").update(language=settings.LANGUAGE_CODE)
    stdout.write(ngettext("%d account added.", "%d accounts added.", added) % added)


def move_back(record: Any, ago: timedelta) -> None:
    """As if this record, and every version of it, had been written so long before."""
    type(record)._base_manager.filter(pk=record.pk).update(**_earlier(type(record), ago))
    record.history.update(**_earlier(record.history.model, ago))


def _earlier(model: type[Model], ago: timedelta) -> dict:
    return {field.name: F(field.name) - ago for field in model._meta.fields if isinstance(field, DateTimeField)}
