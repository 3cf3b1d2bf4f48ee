"""Two people who save forms at the same moment: run inside an installation of its own, as rush.py is."""

import json
from datetime import timedelta

from django.apps import apps
from django.contrib.auth.models import Group
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse
from model_bakery import baker

from backoffice.access import roles
from backoffice.models import User
from backoffice.tests.forms_on_pages import form_with
from clinic.models import Patient
from clinic.tests.rush import at_once, tomorrow


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


@override_settings(ALLOWED_HOSTS=["*"], SECURE_SSL_REDIRECT=False)
def type_overlapping_hours(rounds: int, of: str) -> None:
    """One types a morning and the other an afternoon that begins before it ends: for one weekday, or for one day. Print
    how many of the two were saved, each time."""
    windows = [_window("one"), _window("other")]
    saved = []
    for number in range(rounds):
        when = {"weekday": number} if of == "openinghours" else {"date": tomorrow() + timedelta(days=number)}
        typed = [{"period": "morning", "hours": "09:00-13:00"}, {"period": "afternoon", "hours": "12:00-17:00"}]
        page = reverse(f"admin:clinic_{of}_add")

        def send(number: int, page=page, typed=typed, when=when) -> int:
            return windows[number].post(page, when | typed[number] | {"capacity": 5, "is_open": "on"}).status_code

        answers = at_once(2, send)
        saved.append([sorted(answers), apps.get_model("clinic", of).objects.filter(**when).count()])
    print(json.dumps(saved))


def _window(name: str) -> Client:
    person = User.objects.create_user(name, is_staff=True)
    person.groups.add(Group.objects.get(name=roles.ADMINISTRATORS))
    client = Client()
    client.force_login(person)
    return client
