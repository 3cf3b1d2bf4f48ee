"""Two people have one record open: nobody's change is lost without a word."""

import json
import re

import pytest
from django.test import Client
from django.urls import reverse
from model_bakery import baker

from backoffice.tests.forms_on_pages import form_with
from clinic.models import Appointment, Patient, Symptom
from clinic.tests.clinics import session_today, visit

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


@pytest.mark.parametrize("seen", ["2016-12-31T23:59:60", "2016-12-31T23:59:60+00:00", "2016-99-99T99:99:99", "9" * 40])
def test_a_version_that_is_no_moment_is_no_error_of_ours(patient, administrator, seen):
    one = window(administrator)
    save(one, patient, form_of(one, patient) | {"_seen": seen, "notes": "allergic"})
    assert patient.notes == "allergic"


def test_where_both_changed_one_field_the_later_is_asked_and_decides(patient, administrator, front_desk):
    one, other = window(administrator), window(front_desk)
    mine, theirs = form_of(one, patient), form_of(other, patient)
    save(other, patient, theirs | {"phone": "0922 222 222", "email": "lin@example.org"})
    told = save(one, patient, mine | {"phone": "0933 333 333", "notes": "allergic"})
    assert "changed this to “0922 222 222” meanwhile" in told.text
    assert "0933 333 333" in told.text
    assert (patient.phone, patient.notes) == ("0922 222 222", "")
    save(one, patient, form_with(told, "notes"))
    assert (patient.phone, patient.notes, patient.email) == ("0933 333 333", "allergic", "lin@example.org")


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


def test_what_is_no_column_of_its_own_is_given_back_too(hours, booked, administrator):
    cough, fever = baker.make(Symptom, name=iter(["Cough", "Fever"]), _quantity=2)
    one = window(administrator)
    for row, typed, told in (
        (hours[0], {"hours": "08:15-11:45"}, "08:15-11:45"),
        (booked, {"symptoms": [cough.pk, fever.pk]}, "Cough, Fever"),
    ):
        mine = shown_to(one, row, "notes" if row is booked else "hours") | typed
        type(row).objects.filter(pk=row.pk).hide(by=administrator, reason="entered twice")
        answer = one.post(page_of(row), mine)
        assert answer.status_code == 409
        assert told in answer.text


def test_each_page_of_a_record_says_that_it_was_hidden_while_it_was_open(administrator, front_desk):
    booked = visit(session_today())
    Appointment.objects.filter(pk=booked.pk).hide(by=administrator, reason="entered twice")
    one = window(front_desk)
    pages = [reverse(f"admin:clinic_appointment_{name}", args=[booked.pk]) for name in ("move", "identity", "answers")]
    version = booked.history.first()
    pages.append(reverse("admin:clinic_appointment_simple_history", args=[booked.pk, version.pk]))
    for page in pages:
        told = one.post(page, {"reason": "what I typed"})
        assert told.status_code == 409, page
        assert "entered twice" in told.text
        assert "what I typed" in told.text


def test_a_merge_with_a_record_that_was_hidden_meanwhile_says_so(patient, administrator):
    other = baker.make(Patient, national_id="")
    Patient.objects.filter(pk=other.pk).hide(by=administrator, reason="entered twice")
    sent = {"first": patient.pk, "second": other.pk, "keep": patient.pk, "reason": "the same card"}
    told = window(administrator).post(reverse("admin:clinic_patient_merge"), sent)
    assert told.status_code == 409
    assert "entered twice" in told.text
    assert "the same card" in told.text


# -- Several choices, columns that one field shows, and rows of another table ------------------------------------------


@pytest.fixture
def booked():
    return visit(session_today())


def page_of(row) -> str:
    return reverse(f"admin:clinic_{row._meta.model_name}_change", args=[row.pk])


def shown_to(client: Client, row, name: str) -> dict:
    return form_with(client.get(page_of(row)), name)


def test_symptoms_that_only_the_other_ticked_stay_and_where_both_did_the_later_is_asked(
    booked, administrator, front_desk
):
    cough, fever = baker.make(Symptom, name=iter(["Cough", "Fever"]), _quantity=2)
    one, other = window(administrator), window(front_desk)
    mine, theirs = shown_to(one, booked, "notes"), shown_to(other, booked, "notes")
    other.post(page_of(booked), theirs | {"symptoms": [cough.pk]})
    told = one.post(page_of(booked), mine | {"notes": "by phone"}, follow=True)
    assert "Frontdesk changed this meanwhile, and it stays so: Symptoms" in told.text
    assert list(booked.symptoms.all()) == [cough]

    mine = shown_to(one, booked, "notes")
    other.post(page_of(booked), shown_to(other, booked, "notes") | {"symptoms": [fever.pk]})
    told = one.post(page_of(booked), mine | {"symptoms": [cough.pk, fever.pk]})
    assert "frontdesk changed this to “Fever” meanwhile" in told.text
    assert list(booked.symptoms.all()) == [fever]
    one.post(page_of(booked), form_with(told, "notes"))
    assert list(booked.symptoms.all()) == [cough, fever]


def test_hours_are_compared_though_one_field_shows_two_columns(hours, administrator, django_user_model):
    one, other = window(administrator), window(administrator)
    mine, theirs = shown_to(one, hours[0], "hours"), shown_to(other, hours[0], "hours")
    other.post(page_of(hours[0]), theirs | {"hours": "09:30-12:00"})
    one.post(page_of(hours[0]), mine | {"capacity": "5"})
    hours[0].refresh_from_db()
    assert (str(hours[0].opens_at), hours[0].capacity) == ("09:30:00", 5)
    told = one.post(page_of(hours[0]), mine | {"hours": "08:00-12:00"})
    hours[0].refresh_from_db()
    assert "changed this to “09:30-12:00” meanwhile" in told.text
    assert str(hours[0].opens_at) == "09:30:00"


def test_answers_that_the_other_corrected_stay_and_where_both_did_the_later_is_asked(booked, administrator, front_desk):
    score, value = booked.likert_answers.get(), booked.numeric_answers.get()
    one, other = window(administrator), window(front_desk)
    mine, theirs = shown_to(one, booked, "notes"), shown_to(other, booked, "notes")
    other.post(page_of(booked), theirs | {"likert_answers-0-score": "6", "numeric_answers-0-value": "9"})
    told = one.post(page_of(booked), mine | {"likert_answers-0-score": "2"})
    score.refresh_from_db()
    value.refresh_from_db()
    assert "frontdesk changed this to “6” meanwhile" in told.text
    assert (score.score, value.value) == (6, 9)
    one.post(page_of(booked), form_with(told, "notes"))
    score.refresh_from_db()
    value.refresh_from_db()
    assert (score.score, value.value) == (2, 9)


def test_rows_of_which_a_script_does_not_say_what_it_saw_are_as_this_person_last_looked(
    booked, administrator, front_desk
):
    one, other = window(administrator), window(front_desk)
    mine, theirs = shown_to(one, booked, "notes"), shown_to(other, booked, "notes")
    for sent in (mine, theirs):
        for name in ("_seen", "likert_answers-SEEN", "numeric_answers-SEEN"):
            del sent[name]
    other.post(page_of(booked), theirs | {"likert_answers-0-score": "6"})
    one.post(page_of(booked), mine | {"notes": "by phone"})
    booked.refresh_from_db()
    assert (booked.likert_answers.get().score, booked.notes) == (6, "by phone")


def test_an_answer_that_was_taken_away_meanwhile_says_so_and_stays_away(booked, administrator, front_desk):
    one = window(administrator)
    mine = shown_to(one, booked, "notes") | {"likert_answers-0-score": "2", "notes": "by phone"}
    booked.likert_answers.all().hide(by=front_desk, reason="misread")
    told = one.post(page_of(booked), mine)
    assert "frontdesk has hidden “" in told.text
    assert form_with(told, "notes")["likert_answers-0-score"] == ["2"]
    booked.refresh_from_db()
    assert booked.notes == ""
    one.post(page_of(booked), form_with(told, "notes"))
    booked.refresh_from_db()
    assert (booked.notes, booked.likert_answers.get().score) == ("by phone", 4)


def test_the_rows_of_a_list_that_comes_back_stand_beside_their_own_inputs(administrator, front_desk):
    for name, place in (("Cough", 1), ("Fever", 2)):
        baker.make(Symptom, name=name, position=place)
    one, page = window(administrator), reverse("admin:clinic_symptom_changelist")
    mine = form_with(one.get(page), "form-0-position")
    Symptom.objects.filter(name="Cough").update(position=9)
    told = one.post(page, mine | {"form-1-position": "nowhere", "_save": "Save"})
    rows = re.findall(r"<tr>.*?</tr>", told.text, re.DOTALL)
    [fever] = [row for row in rows if 'name="form-1-position"' in row]
    assert ">Fever<" in fever
    assert "nowhere" in fever


# -- At the same moment -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_of_two_forms_that_come_in_at_once_one_is_merged_into_the_other(installation):
    rounds = json.loads(installation.python("from clinic.tests import rush_forms; rush_forms.save_at_once(rounds=6)"))
    assert rounds == [["0922 222 222", "allergic"]] * 6
