"""A value that only one record may have, which somebody else has written between a form's look and its save."""

from itertools import count

import pytest
from django.db import models
from django.urls import reverse
from model_bakery import baker

from backoffice.tests.forms_on_pages import form_with
from clinic.models import Patient, Symptom

pytestmark = pytest.mark.django_db

PERSON = {"full_name": "Lin Mei-ling", "date_of_birth": "1984-05-02", "sex": "female", "national_id": "A123456789"}


@pytest.fixture
def looks_too_early(monkeypatch):
    """The first look finds nothing taken, as where the other's row is committed just after it."""

    def blind_at_first(name: str, nothing: object) -> None:
        look, looks = getattr(models.Model, name), count()
        monkeypatch.setattr(models.Model, name, lambda *a, **kw: look(*a, **kw) if next(looks) else nothing)

    blind_at_first("_perform_unique_checks", {})
    blind_at_first("validate_constraints", None)


def save(client, url: str, **typed):
    """What a browser sends where this is typed into the page's form."""
    return client.post(url, form_with(client.get(url), next(iter(typed))) | typed)


def test_of_two_who_enter_one_national_id_the_later_is_told(admin_client, looks_too_early):
    baker.make(Patient, national_id="A123456789")
    page = save(admin_client, reverse("admin:clinic_patient_add"), **PERSON)
    assert "national ID" in str(page.context["errors"])
    assert 'value="Lin Mei-ling"' in page.content.decode()
    assert Patient.objects.count() == 1


def test_so_is_who_changes_a_record_which_stays_as_it_was(admin_client, looks_too_early):
    baker.make(Symptom, name="Cough")
    fever = baker.make(Symptom, name="Fever", position=1)
    page = save(admin_client, reverse("admin:clinic_symptom_change", args=[fever.pk]), name="Cough", position=2)
    assert "already exists" in str(page.context["errors"])
    fever.refresh_from_db()
    assert (fever.name, fever.position) == ("Fever", 1)
