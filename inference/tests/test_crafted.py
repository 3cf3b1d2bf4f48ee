"""What a page of ours takes that its form does not offer: keys of other records, of hidden ones, of another parent."""

import pytest
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker

from clinic import booking
from clinic.models import Appointment, LikertAnswer, LikertQuestion, Patient, Symptom
from clinic.tests.clinics import a_clinic, session_today
from imaging.models import XRayImage
from inference.models import Prediction, Report

pytestmark = pytest.mark.django_db

APPOINTMENTS = "/admin/clinic/appointment/"
HIDDEN = "This is hidden. Restore it first, or choose another one."


@pytest.fixture
def hidden(administrator) -> Patient:
    patient = baker.make(Patient, full_name="Put Away", national_id="")
    Patient.objects.filter(pk=patient.pk).hide(by=administrator, reason="entered twice")
    return patient


@pytest.fixture
def desk(client, front_desk):
    client.force_login(front_desk)
    return client


def typed(client, page: str) -> dict:
    """What the record's own form would send, with the rows of its inlines."""
    context = client.get(page).context
    sent = {field.html_name: field.value() or "" for field in context["adminform"].form}
    for inline in context["inline_admin_formsets"]:
        for form in (inline.formset.management_form, *inline.formset.forms):
            sent |= {field.html_name: "" if field.value() is None else field.value() for field in form}
    return sent


def test_nobody_is_booked_who_is_hidden(desk, hidden):
    a_clinic(visits=0)
    offer = desk.get(APPOINTMENTS + "add/").context["adminform"].form.fields["offer"].choices[0][0]
    answer = desk.post(APPOINTMENTS + "add/", {"patient": hidden.pk, "offer": offer, "notes": ""})
    assert HIDDEN in answer.text
    assert not Appointment.objects.exists()


def test_no_film_is_given_to_who_is_hidden(doctor, hidden):
    xray = baker.make(XRayImage, quality_issues=[], width=10, height=10)
    page = reverse("admin:imaging_xrayimage_change", args=[xray.pk])
    assert HIDDEN in doctor.post(page, typed(doctor, page) | {"patient": hidden.pk}).text
    xray.refresh_from_db()
    assert xray.patient != hidden


def test_no_report_is_written_about_what_is_hidden(doctor, administrator):
    prediction = baker.make(Prediction, status="completed", review_reasons=[], finished_at=timezone.now())
    XRayImage.objects.all().hide(by=administrator, reason="another person's")
    answer = doctor.post("/admin/inference/report/add/", {"prediction": prediction.pk, "body": "clear"})
    assert HIDDEN in answer.text
    assert not Report.objects.exists()


def test_a_symptom_that_is_hidden_is_chosen_anew_by_nobody_and_stays_where_it_is(desk, administrator):
    [visit] = a_clinic()
    kept, other = (baker.make(Symptom, name=name) for name in ("cough", "fever"))
    visit.symptoms.set([kept])
    Symptom.objects.filter(pk__in=[kept.pk, other.pk]).hide(by=administrator, reason="not asked")
    page = reverse("admin:clinic_appointment_change", args=[visit.pk])
    form = typed(desk, page)
    assert HIDDEN in desk.post(page, form | {"symptoms": [kept.pk, other.pk]}).text
    desk.post(page, form | {"symptoms": [kept.pk], "notes": "as before"})
    visit.refresh_from_db()
    assert (list(visit.symptoms.all()), visit.notes) == ([kept], "as before")


def test_an_answer_of_another_visit_is_not_changed_through_this_one(desk):
    [visit] = a_clinic()
    question = baker.make(LikertQuestion)
    other = booking.book(visit.session, baker.make(Patient, national_id=""), by=None, likert={question: 4})
    answer = LikertAnswer.objects.get(appointment=other)
    page = reverse("admin:clinic_appointment_change", args=[visit.pk])
    row = {"likert_answers-0-id": answer.pk, "likert_answers-0-appointment": visit.pk, "likert_answers-0-score": 1}
    counts = {"likert_answers-TOTAL_FORMS": 1, "likert_answers-INITIAL_FORMS": 1}
    desk.post(page, typed(desk, page) | row | counts)
    answer.refresh_from_db()
    assert (answer.score, answer.appointment) == (4, other)


def test_no_record_is_made_through_another(client, administrator, clinician):
    """Django takes `_saveasnew` for a new record, whether or not a form offers it."""
    [visit] = a_clinic()
    xray = baker.make(XRayImage, patient=visit.patient, quality_issues=[], width=10, height=10)
    report = baker.make(Report, prediction__xray=xray, prediction__review_reasons=[])
    for person in (administrator, clinician):
        client.force_login(person)
        for record in (visit, visit.patient, visit.session, xray, report):
            page = reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[record.pk])
            assert client.post(page, {"_saveasnew": "1"}).status_code == 403, record
            assert type(record).objects.count() == 1


def test_no_other_key_than_its_own_is_handed_out(desk):
    patient = baker.make(Patient, full_name="Lin", national_id="B123456780", date_of_birth="1980-01-01", sex="female")
    page = reverse("admin:clinic_patient_change", args=[patient.pk])
    crafted = {"_popup": "1", "_to_field": "national_id"}
    answers = [desk.post(page, typed(desk, page) | crafted), desk.get("/admin/clinic/patient/", crafted)]
    assert [answer.status_code for answer in answers] == [400, 400]


@pytest.mark.parametrize("action", ["check_in", "mark_done", "mark_no_show", "cancel", "reinstate", "send_link"])
def test_no_action_reaches_a_booking_that_is_hidden(desk, administrator, action):
    visit = booking.book(session_today(), baker.make(Patient, national_id="", email="a@example.org"), by=None)
    Appointment.objects.all().hide(by=administrator, reason="entered twice")
    visit.refresh_from_db()
    before = (visit.status, visit.session.booked, visit.history.count())
    for _attempt in range(2):
        desk.post(
            APPOINTMENTS + "?hidden=all",
            {"action": action, "_selected_action": visit.pk, "confirm": "yes", "reason": "x"},
        )
    visit.refresh_from_db()
    visit.session.refresh_from_db()
    assert (visit.status, visit.session.booked, visit.history.count()) == before


def test_a_list_that_is_edited_in_place_changes_nothing_that_is_hidden(client, administrator):
    client.force_login(administrator)
    symptom = baker.make(Symptom, name="cough", position=1)
    symptoms = "/admin/clinic/symptom/"
    form = client.get(symptoms).context["cl"].formset
    sent = {field.html_name: field.value() for field in (*form.management_form, *form.forms[0]) if field.value()}
    Symptom.objects.all().hide(by=administrator, reason="not asked")
    for address in (symptoms, symptoms + "?hidden=all"):
        answer = client.post(address, sent | {"form-0-position": "7", "_save": "Save"}, follow=True)
        assert "has hidden “cough” since you looked. Nothing was saved." in answer.text
    symptom.refresh_from_db()
    assert symptom.position == 1
    inputs = client.get(symptoms + "?hidden=all").context["cl"].formset[0].fields
    assert inputs["position"].disabled
    assert inputs["is_active"].disabled
