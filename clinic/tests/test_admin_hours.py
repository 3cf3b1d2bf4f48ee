"""What administrators type in: patients, hours, closures and sessions."""

import datetime

import pytest
from django.urls import reverse
from model_bakery import baker

from clinic import booking
from clinic.models import ClinicSession, Closure, OpeningHours, Patient, Symptom

pytestmark = pytest.mark.django_db

ADD_HOURS = reverse("admin:clinic_openinghours_add")
MONDAY = {"weekday": 0, "period": "morning", "capacity": 10, "is_open": "on"}


def test_hours_are_one_text_field(admin_client):
    assert admin_client.post(ADD_HOURS, {**MONDAY, "hours": "９：００～１２：３０"}).status_code == 302
    row = OpeningHours.objects.get()
    assert (row.opens_at, row.closes_at) == (datetime.time(9), datetime.time(12, 30))
    page = admin_client.get(reverse("admin:clinic_openinghours_change", args=[row.pk])).text
    assert 'value="09:00-12:30"' in page
    assert "09:00-12:30" in admin_client.get(reverse("admin:clinic_openinghours_changelist")).text


def test_nonsense_hours_are_refused_with_an_example(admin_client):
    response = admin_client.post(ADD_HOURS, {**MONDAY, "hours": "nine to noon"})
    assert response.status_code == 200
    assert "like 09:00-12:00" in response.text


def test_the_same_weekday_and_period_twice_is_refused_in_a_sentence(admin_client):
    admin_client.post(ADD_HOURS, {**MONDAY, "hours": "09:00-12:00"})
    response = admin_client.post(ADD_HOURS, {**MONDAY, "hours": "10:00-12:00"})
    assert response.status_code == 200
    assert "already has hours" in response.text


def test_periods_of_one_weekday_that_overlap_are_refused_with_the_other_named(admin_client):
    admin_client.post(ADD_HOURS, {**MONDAY, "hours": "09:00-12:00"})
    response = admin_client.post(ADD_HOURS, {**MONDAY, "period": "afternoon", "hours": "11:30-15:00"})
    assert "This overlaps with Monday morning 09:00–12:00" in response.text
    admin_client.post(ADD_HOURS, {**MONDAY, "period": "afternoon", "hours": "12:00-15:00"})
    assert OpeningHours.objects.count() == 2


def test_hiding_a_closure_opens_its_sessions_again(admin_client, session):
    closure = baker.make(Closure, starts_on=session.date, ends_on=session.date, period="")
    booking.follow_hours(session.date)
    session.refresh_from_db()
    assert not session.is_open
    closures = reverse("admin:clinic_closure_changelist")
    hide = {"action": "hide", "_selected_action": closure.pk, "confirm": "yes", "reason": "Not any more"}
    admin_client.post(closures, hide)
    session.refresh_from_db()
    assert session.is_open


def test_a_session_can_be_added_beside_the_hours(admin_client):
    add = {"date": "2030-01-06", "period": "morning", "hours": "09:00-12:00", "capacity": 4, "is_open": "on"}
    assert admin_client.post(reverse("admin:clinic_clinicsession_add"), add).status_code == 302
    assert ClinicSession.objects.get().set_by_hand


PATIENT = {"full_name": "陳怡君", "date_of_birth": "1981-04-05", "sex": "female", "phone": "", "email": "", "notes": ""}
INLINES = {"appointments-TOTAL_FORMS": 0, "appointments-INITIAL_FORMS": 0}


def test_a_national_id_is_kept_in_one_form_and_shown_in_part(admin_client):
    add = reverse("admin:clinic_patient_add")
    assert admin_client.post(add, {**PATIENT, **INLINES, "national_id": "a１23 456-789"}).status_code == 302
    assert Patient.objects.get().national_id == "A123456789"
    page = admin_client.get(reverse("admin:clinic_patient_changelist")).text
    assert "•••••••789" in page
    assert "A123456789" not in page


def test_two_visible_patients_never_share_a_national_id(admin_client):
    add = reverse("admin:clinic_patient_add")
    admin_client.post(add, {**PATIENT, **INLINES, "national_id": "A123456789"})
    response = admin_client.post(add, {**PATIENT, **INLINES, "national_id": "a123456789"})
    assert response.status_code == 200
    assert "already has this national ID" in response.text
    assert Patient.objects.count() == 1


def test_a_patient_is_not_born_in_a_year_to_come(admin_client):
    refused = admin_client.post(
        reverse("admin:clinic_patient_add"), {**PATIENT, **INLINES, "national_id": "", "date_of_birth": "2999-01-01"}
    )
    assert "check the year" in refused.text
    assert not Patient.objects.exists()


def test_symptoms_are_put_in_order_in_their_list(admin_client):
    symptom = baker.make(Symptom, position=1)
    page = reverse("admin:clinic_symptom_changelist")
    assert f'aria-label="Position: {symptom}"' in admin_client.get(page).text
    form = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": symptom.pk, "form-0-position": 7, "_save": "1"}
    assert admin_client.post(page, form).status_code == 302
    symptom.refresh_from_db()
    assert (symptom.position, symptom.is_active) == (7, False)
