"""Two people have one record open: nobody's change is lost without a word."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from model_bakery import baker

from clinic.models import Patient

pytestmark = pytest.mark.django_db

NO_ROWS = {
    f"{rows}-{kind}_FORMS": "0" for rows in ("appointments", "xrays") for kind in ("TOTAL", "INITIAL")
}  # fmt: skip


@pytest.fixture
def patient():
    return baker.make(
        Patient,
        full_name="Lin Mei-ling",
        date_of_birth="1984-05-02",
        sex="female",
        phone="0911 111 111",
        national_id="",
    )


def window(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def form_of(client: Client, patient: Patient) -> dict:
    """The form as the page shows it, with what it carries unseen."""
    page = client.get(reverse("admin:clinic_patient_change", args=[patient.pk]))
    shown = Patient.objects.get(pk=patient.pk)
    fields = ("full_name", "date_of_birth", "sex", "national_id", "phone", "email", "notes")
    seen = re.search(r'name="_seen" value="([^"]+)"', page.text)
    return {name: str(getattr(shown, name)) for name in fields} | NO_ROWS | {"_seen": seen[1], "_continue": "1"}


def save(client: Client, patient: Patient, form: dict):
    answer = client.post(reverse("admin:clinic_patient_change", args=[patient.pk]), form, follow=True)
    patient.refresh_from_db()
    return answer


@pytest.mark.parametrize("carries_its_version", [True, False])
def test_what_only_the_other_changed_stays(patient, administrator, front_desk, carries_its_version):
    one, other = window(administrator), window(front_desk)
    mine, theirs = form_of(one, patient), form_of(other, patient)
    save(other, patient, theirs | {"phone": "0922 222 222"})
    if not carries_its_version:
        del mine["_seen"]
    told = save(one, patient, mine | {"notes": "allergic"})
    assert (patient.phone, patient.notes) == ("0922 222 222", "allergic")
    assert "changed this meanwhile, and it stays so: Phone" in told.text


def test_where_both_changed_one_field_the_later_is_asked_and_decides(patient, administrator, front_desk):
    one, other = window(administrator), window(front_desk)
    mine, theirs = form_of(one, patient), form_of(other, patient)
    save(other, patient, theirs | {"phone": "0922 222 222"})
    told = save(one, patient, mine | {"phone": "0933 333 333", "notes": "allergic"})
    assert "changed this to “0922 222 222” meanwhile" in told.text
    assert "0933 333 333" in told.text
    assert (patient.phone, patient.notes) == ("0922 222 222", "")
    seen = re.search(r'name="_seen" value="([^"]+)"', told.text)[1]
    save(one, patient, mine | {"phone": "0933 333 333", "notes": "allergic", "_seen": seen})
    assert (patient.phone, patient.notes) == ("0933 333 333", "allergic")


def test_whoever_changes_a_record_alone_is_asked_nothing(patient, administrator):
    one = window(administrator)
    form = form_of(one, patient)
    save(one, patient, form | {"phone": "0922 222 222"})
    save(one, patient, form_of(one, patient) | {"phone": "0933 333 333"})
    assert patient.phone == "0933 333 333"


@pytest.mark.parametrize("role", ["administrator", "front_desk"])
def test_a_record_that_was_hidden_while_it_was_open_says_so_and_gives_back_what_was_typed(
    patient, administrator, role, request
):
    one = window(request.getfixturevalue(role))
    form = form_of(one, patient)
    Patient.objects.filter(pk=patient.pk).hide(by=administrator, reason="entered twice")
    answer = one.post(
        reverse("admin:clinic_patient_change", args=[patient.pk]), form | {"notes": "allergic to penicillin"}
    )
    assert answer.status_code == 409
    assert "hidden while you had it open" in answer.text
    assert "allergic to penicillin" in answer.text
    patient.refresh_from_db()
    assert patient.notes == ""
