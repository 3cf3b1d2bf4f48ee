"""Two people who save one record at the same moment: run inside an installation of its own, as rush.py is."""

import json

from django.contrib.auth.models import Group
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse
from model_bakery import baker

from backoffice.access import roles
from backoffice.models import User
from backoffice.tests.forms_on_pages import form_with
from clinic.models import Patient
from clinic.tests.rush import at_once


@override_settings(ALLOWED_HOSTS=["*"], SECURE_SSL_REDIRECT=False)
def save_at_once(rounds: int) -> None:
    """One changes the phone and the other the notes. Print what the record then holds, each time."""
    windows = [_window("one"), _window("other")]
    typed = [{"phone": "0922 222 222"}, {"notes": "allergic"}]
    held = []
    for _round in range(rounds):
        patient = baker.make(Patient, full_name="Lin Mei-ling", national_id="", sex="female", phone="0911 111 111")
        page = reverse("admin:clinic_patient_change", args=[patient.pk])
        forms = [form_with(window.get(page), "notes") for window in windows]

        def send(number: int, page=page, forms=forms) -> int:
            return windows[number].post(page, forms[number] | typed[number]).status_code

        at_once(2, send)
        patient.refresh_from_db()
        held.append([patient.phone, patient.notes])
    print(json.dumps(held))


def _window(name: str) -> Client:
    person = User.objects.create_user(name, is_staff=True)
    person.groups.add(Group.objects.get(name=roles.ADMINISTRATORS))
    client = Client()
    client.force_login(person)
    return client
