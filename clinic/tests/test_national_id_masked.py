"""The national ID is masked; who may see it presses a button, and that is noted."""

import pytest
from django.urls import reverse
from model_bakery import baker

from backoffice.models import AccessEvent
from clinic.models import Patient
from clinic.tests.clinics import a_clinic

pytestmark = pytest.mark.django_db

ID, OTHER_ID = "A234567893", "F131104093"


@pytest.fixture
def patient():
    return baker.make(Patient, full_name="Lin Mei-ling", sex="female", national_id=ID, phone="", email="", notes="")


def page(patient, name: str = "change") -> str:
    return reverse(f"admin:clinic_patient_{name}", args=[patient.pk])


def typed(patient, **fields) -> dict:
    formset = {f"appointments-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    formset |= {f"xrays-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    person = {"full_name": patient.full_name, "date_of_birth": patient.date_of_birth, "sex": patient.sex}
    return person | formset | fields


def revealed() -> list[AccessEvent]:
    return list(AccessEvent.objects.filter(action=AccessEvent.Action.REVEAL))


def test_no_page_shows_it_before_it_is_asked_for(client, administrator, patient):
    client.force_login(administrator)
    patient.notes = "changed, so that there are two versions"
    patient.save()
    autocomplete = "/admin/autocomplete/?app_label=clinic&model_name=appointment&field_name=patient&term=Lin"
    for url in [page(patient), page(patient, "history"), reverse("admin:clinic_patient_changelist"), autocomplete]:
        response = client.get(url)
        assert response.status_code == 200
        assert ID not in response.text, url


@pytest.mark.parametrize(
    ("listed", "path"),
    [("patient", "national_id"), ("appointment", "patient__national_id"), ("appointment", "reference")],
)
@pytest.mark.parametrize("how", ["__startswith", "__gte", "__regex", ""])
def test_no_list_tells_it_sign_by_sign(client, clinician, listed, path, how):
    [visit] = a_clinic()
    client.force_login(clinician)
    changelist = reverse(f"admin:clinic_{listed}_changelist")
    signs = {"patient": visit.patient.national_id, "appointment": visit.reference}[listed]
    assert visit.patient.full_name in client.get(changelist).text
    assert client.get(changelist, {path + how: signs}).status_code == 400


def test_no_list_is_in_its_order(client, clinician):
    for name, national_id in [("Ann", "B120863158"), ("Bob", "A234567893"), ("Cid", "F131104093")]:
        baker.make(Patient, full_name=name, national_id=national_id)
    client.force_login(clinician)
    changelist = reverse("admin:clinic_patient_changelist")
    column = list(client.get(changelist).context["cl"].list_display).index("masked_national_id")
    rising, falling = (client.get(changelist, {"o": o}).context["cl"].result_list for o in (column, f"-{column}"))
    assert list(rising) == list(falling)


def test_a_press_shows_it_and_is_noted_once(client, front_desk, patient):
    client.force_login(front_desk)
    assert page(patient, "reveal") in client.get(page(patient)).text
    shown = client.post(page(patient, "reveal"))
    assert f'value="{ID}"' in shown.text
    assert "no-store" in shown["Cache-Control"]
    [event] = revealed()
    assert (event.user, event.target) == (front_desk, patient)


def test_looking_at_the_address_shows_nothing(client, front_desk, patient):
    client.force_login(front_desk)
    assert client.get(page(patient, "reveal")).status_code == 403
    assert revealed() == []


def test_clinicians_have_no_button_and_get_no_answer(client, clinician, patient):
    client.force_login(clinician)
    shown = client.get(page(patient)).text
    assert page(patient, "reveal") not in shown
    assert f"•••••••{ID[-3:]}" in shown
    assert client.post(page(patient, "reveal")).status_code == 403
    assert revealed() == []


def test_who_may_only_look_sees_it_masked(client, django_user_model, patient):
    from django.contrib.auth.models import Permission

    onlooker = django_user_model.objects.create_user("onlooker", is_staff=True)
    onlooker.user_permissions.add(Permission.objects.get(codename="view_patient"))
    client.force_login(onlooker)
    shown = client.get(page(patient))
    assert shown.status_code == 200
    assert ID not in shown.text
    assert f"•••••••{ID[-3:]}" in shown.text


def test_saving_without_having_seen_it_keeps_it(client, front_desk, patient):
    client.force_login(front_desk)
    client.post(page(patient), typed(patient, phone="0912345678", new_national_id=""))
    patient.refresh_from_db()
    assert (patient.phone, patient.national_id) == ("0912345678", ID)


def test_a_new_one_is_typed_without_seeing_the_old(client, clinician, patient):
    client.force_login(clinician)
    client.post(page(patient), typed(patient, new_national_id=OTHER_ID.lower()))
    patient.refresh_from_db()
    assert patient.national_id == OTHER_ID
    assert revealed() == []


def test_once_shown_it_can_be_corrected_or_removed(client, front_desk, patient):
    client.force_login(front_desk)
    client.post(page(patient), typed(patient, national_id=OTHER_ID))
    patient.refresh_from_db()
    assert patient.national_id == OTHER_ID
    client.post(page(patient), typed(patient, national_id=""))
    patient.refresh_from_db()
    assert patient.national_id == ""


def test_a_wrong_new_one_is_refused_and_stays_typed(client, front_desk, patient):
    client.force_login(front_desk)
    refused = client.post(page(patient), typed(patient, new_national_id="A234567894"))
    assert "does not add up" in refused.text
    assert 'value="A234567894"' in refused.text
    assert ID not in refused.text


def test_a_records_address_does_not_repeat_the_search(client, front_desk, patient):
    client.force_login(front_desk)
    found = client.get(reverse("admin:clinic_patient_changelist"), {"q": ID, "sex__exact": "female"})
    assert patient.full_name in found.text
    assert f'href="{page(patient)}?_changelist_filters=sex__exact%3Dfemale"' in found.text
