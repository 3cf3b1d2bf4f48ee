"""A signed film moves to another patient with a reason, and the signature does not go with it."""

from django.urls import reverse
from model_bakery import baker

from backoffice.tests.forms_on_pages import form_with
from clinic.models import Appointment, Patient
from clinic.patients.identity_conflicts import another_person
from inference.models import Report
from inference.tests.test_signing import an_answer, open_and_sign


def test_a_moved_film_is_signed_anew(doctor, make_xray):
    answer, other = an_answer(make_xray()), baker.make(Patient, full_name="Wu Ya-ting", date_of_birth="1990-01-01")
    open_and_sign(doctor, answer, "Normal")
    report = baker.make(Report, prediction=answer, body="Nothing to see.")
    change = reverse("admin:imaging_xrayimage_change", args=[answer.xray_id])
    refused = doctor.post(change, form_with(doctor.get(change), "taken_on") | {"patient": other.pk})
    assert "Moving it needs a reason" in refused.text
    whose = reverse("admin:imaging_xrayimage_whose", args=[answer.xray_id])
    shown = doctor.get(whose)
    assert "The signature of" in shown.text
    doctor.post(whose, {"answer": "move", "patient": other.pk, "reason": "mixed up", "seen": shown.context["seen"]})
    answer.refresh_from_db()
    report.refresh_from_db()
    assert (answer.xray.patient, answer.is_validated, answer.needs_review) == (other, False, True)
    assert report.hide_reason == "Withdrawn: mixed up"
    before = answer.history.all()[1]
    assert (before.is_validated, before.final_diagnosis) == (True, "Normal")
    assert "moved here from another patient" in doctor.get(change).text


def test_a_visit_that_was_anothers_takes_its_film_along_and_no_signature(doctor, clinician, make_xray):
    answer, other = an_answer(make_xray()), baker.make(Patient, full_name="Wu Ya-ting", date_of_birth="1990-01-01")
    film = answer.xray
    film.appointment = baker.make(Appointment, patient=film.patient, identity_conflict=True, claimed={})
    film.save()
    open_and_sign(doctor, answer, "Normal")
    another_person(film.appointment, other, by=clinician)
    answer.refresh_from_db()
    assert (answer.xray.patient, answer.is_validated) == (other, False)
