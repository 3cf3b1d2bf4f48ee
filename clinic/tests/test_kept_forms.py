"""A form that comes in after its sender was signed out comes back as it was filled in, to them and nobody else."""

import time
from types import SimpleNamespace

import pytest
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from model_bakery import baker

from backoffice.access import kept_forms, session_expiry
from backoffice.models import AccessEvent, User
from backoffice.tests.forms_on_pages import form_with
from backoffice.tests.test_second_factor import ASK, code_of
from clinic import booking
from clinic.models import Appointment, Closure, LikertQuestion, Patient, PatientMerge, Symptom
from clinic.tests.clinics import session_today, visit

pytestmark = pytest.mark.django_db

PASSWORD = "words that nobody guesses"
SAYS_SO = "You were signed out before this was saved. Here it is as you had filled it in; nothing is saved yet."


@pytest.fixture
def person(administrator):
    return with_password(administrator)


@pytest.fixture
def other(front_desk):
    return with_password(front_desk)


def with_password(person: User) -> User:
    person.set_password(PASSWORD)
    person.save()
    return person


@pytest.fixture
def patient():
    return baker.make(Patient, full_name="Lin Mei-ling", date_of_birth="1984-05-02", sex="female", phone="0911 111 111")


@pytest.fixture
def client(person):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    return client


def change_page(row) -> str:
    return reverse(f"admin:clinic_{row._meta.model_name}_change", args=[row.pk])


def sign_out(client) -> None:
    """In another window: the cookie of this one leads to nothing any more."""
    Session.objects.all().delete()


def leave(client) -> None:
    client.post("/admin/logout/", form_with(client.get("/admin/"), "csrfmiddlewaretoken"))


def sign_in(client, page: str, person: User):
    token = form_with(client.get("/admin/login/"), "username")["csrfmiddlewaretoken"]
    data = {"username": person.username, "password": PASSWORD, "next": page, "csrfmiddlewaretoken": token}
    return client.post("/admin/login/", data, follow=True)


def send_too_late(client, page: str, form: dict, person: User):
    """Send the form after the session has ended; returns the page after signing in again."""
    sign_out(client)
    asked = client.post(page, form, follow=True)
    assert asked.request["PATH_INFO"] == "/admin/login/"
    assert "Sign in to have your form back" in asked.text
    return sign_in(client, asked.context["next"], person)


def typed_over(client, page: str, name: str, **changes) -> dict:
    return form_with(client.get(page), name) | changes


def test_what_was_typed_comes_back_after_signing_in_and_is_saved_by_its_sender(client, person, patient):
    page = change_page(patient)
    back = send_too_late(client, page, typed_over(client, page, "notes", notes="allergic to penicillin"), person)
    assert back.request["PATH_INFO"] == page
    assert SAYS_SO in back.text
    patient.refresh_from_db()
    assert patient.notes == ""
    form = form_with(back, "notes")
    assert form["notes"] == ["allergic to penicillin"]
    client.post(page, form)
    patient.refresh_from_db()
    assert patient.notes == "allergic to penicillin"
    assert SAYS_SO not in client.get(page).text


@pytest.mark.parametrize("end", ["idle", "new password", "signed out"])
def test_however_the_session_ended(client, person, patient, end, monkeypatch):
    page = change_page(patient)
    form = typed_over(client, page, "notes", notes="allergic")
    if end == "idle":
        with monkeypatch.context() as later:
            later.setattr(session_expiry, "time", SimpleNamespace(time=lambda: time.time() + 31 * 60))
            client.post(page, form)
    elif end == "new password":
        with_password(person)
        client.post(page, form)
    else:
        leave(client)
        client.post(page, form)
    assert form_with(sign_in(client, page, person), "notes")["notes"] == ["allergic"]


def test_through_the_second_factor(client, person, patient):
    page = change_page(patient)
    form = typed_over(client, page, "notes", notes="allergic")
    phone = TOTPDevice.objects.create(user=person, name="phone", confirmed=True)
    asked = send_too_late(client, page, form, person)
    assert asked.request["PATH_INFO"] == ASK
    code = form_with(asked, "code") | {"code": code_of(phone)}
    back = client.post(ASK, code, follow=True)
    assert form_with(back, "notes")["notes"] == ["allergic"]


def test_nobody_else_who_signs_in_here_sees_it_then_or_later(client, person, other, patient):
    page = change_page(patient)
    shown = send_too_late(client, page, typed_over(client, page, "notes", notes="allergic"), other)
    assert shown.request["PATH_INFO"] == page
    assert "allergic" not in shown.text
    assert SAYS_SO not in shown.text
    leave(client)
    assert "allergic" not in sign_in(client, page, person).text


def test_nothing_of_it_lies_in_the_clear(client, person, patient, caplog):
    page = change_page(patient)
    form = typed_over(client, page, "notes", notes="allergic", national_id="A123456789")
    sign_out(client)
    answer = client.post(page, form)
    [kept] = Session.objects.all()
    for sensitive in ("allergic", "A123456789"):
        assert sensitive not in str(kept.get_decoded())
        assert sensitive not in answer["Location"] + caplog.text + str(client.cookies)


def test_what_is_older_than_an_hour_is_not_given_back(client, person, patient, monkeypatch):
    page = change_page(patient)
    sign_out_form = typed_over(client, page, "notes", notes="allergic")
    sign_out(client)
    client.post(page, sign_out_form)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + kept_forms.LIFETIME + 1)
    assert "allergic" not in sign_in(client, page, person).text


def test_strangers_have_nothing_kept(patient, person):
    stranger = Client()
    stranger.post(change_page(patient), {"notes": "x", kept_forms.MARK: f"{person.pk}:forged"})
    assert not Session.objects.exists()


def test_what_is_too_long_is_not_kept(client, person, patient):
    page = change_page(patient)
    form = typed_over(client, page, "notes", notes="x" * kept_forms.LONGEST)
    sign_out(client)
    asked = client.post(page, form, follow=True)
    assert "have your form back" not in asked.text


def test_a_form_whose_token_went_stale_by_signing_in_elsewhere_comes_back_too(client, person, patient):
    page = change_page(patient)
    form = typed_over(client, page, "notes", notes="allergic")
    sign_out(client)
    sign_in(client, "/admin/", person)
    back = client.post(page, form, follow=True)
    assert SAYS_SO in back.text
    assert form_with(back, "notes")["notes"] == ["allergic"]
    patient.refresh_from_db()
    assert patient.notes == ""


def test_a_form_from_elsewhere_is_refused_as_ever(client, person, patient):
    answer = client.post(change_page(patient), {"notes": "forged"})
    assert answer.status_code == 403
    assert "forged" not in client.get(change_page(patient)).text


def test_somebody_elses_form_is_not_given_to_who_is_signed_in_now(client, person, other, patient):
    page = change_page(patient)
    form = typed_over(client, page, "notes", notes="allergic")
    sign_out(client)
    sign_in(client, "/admin/", other)
    assert client.post(page, form).status_code == 403
    assert "allergic" not in client.get(page).text


def test_what_others_changed_meanwhile_is_told_when_it_is_saved(client, person, other, patient):
    page = change_page(patient)
    back = send_too_late(client, page, typed_over(client, page, "notes", phone="0933 333 333"), person)
    changed = Patient.objects.get(pk=patient.pk)
    changed.phone, changed._history_user = "0922 222 222", other
    changed.save()
    told = client.post(page, form_with(back, "notes") | {"_continue": "1"})
    assert "changed this to “0922 222 222” meanwhile" in told.text


def test_of_a_record_that_was_hidden_meanwhile_what_was_typed_is_shown_to_be_copied(client, person, other, patient):
    page = change_page(patient)
    form = typed_over(client, page, "notes", notes="allergic to penicillin")
    Patient.objects.filter(pk=patient.pk).hide(by=other, reason="entered twice")
    back = send_too_late(client, page, form, person)
    assert "hidden while you had it open" in back.text
    assert "allergic to penicillin" in back.text


def test_rows_of_an_inline_come_back(client, person):
    booked = visit(session_today())
    answer = booked.likert_answers.get()
    page = change_page(booked)
    back = send_too_late(client, page, typed_over(client, page, "notes", **{"likert_answers-0-score": "7"}), person)
    assert form_with(back, "notes")["likert_answers-0-score"] == ["7"]
    answer.refresh_from_db()
    assert answer.score == 4
    client.post(page, form_with(back, "notes"))
    answer.refresh_from_db()
    assert answer.score == 7


def test_a_new_person_comes_back_without_the_password(client, person):
    page = reverse("admin:backoffice_user_add")
    form = typed_over(client, page, "username", username="newcomer", password1=PASSWORD, password2=PASSWORD)
    back = send_too_late(client, page, form, person)
    again = form_with(back, "username")
    assert (again["username"], again["password1"]) == (["newcomer"], [""])
    assert "Type the password again." in back.text
    assert not User.objects.filter(username="newcomer").exists()


def test_files_are_named_so_that_they_can_be_chosen_again(client, person, patient):
    page = reverse("admin:imaging_xrayimage_add")
    form = typed_over(
        client, page, "notes", notes="standing", patient=patient.pk, files=SimpleUploadedFile("a.png", b"x")
    )
    back = send_too_late(client, page, form, person)
    assert "Choose the files again: a.png." in back.text
    again = form_with(back, "notes")
    assert (again["notes"], again["patient"]) == (["standing"], [str(patient.pk)])


# -- Pages that ask first ---------------------------------------------------------------------------------------------


def ask(client, page: str, action: str, row) -> dict:
    token = form_with(client.get(page), "action")["csrfmiddlewaretoken"]
    asked = client.post(page, {"action": action, "_selected_action": row.pk, "csrfmiddlewaretoken": token})
    return form_with(asked, "reason")


@pytest.mark.parametrize("action", ["hide", "cancel"])
def test_why_something_is_hidden_or_cancelled_comes_back_and_nothing_is_done(client, person, action):
    booked = visit(session_today(date=timezone.localdate() + timezone.timedelta(days=1)))
    page = reverse("admin:clinic_appointment_changelist") + "?status__exact=booked"
    form = ask(client, page, action, booked) | {"reason": "entered twice", "confirm": "yes"}
    back = send_too_late(client, page, form, person)
    assert SAYS_SO in back.text
    assert form_with(back, "reason")["reason"] == ["entered twice"]
    booked.refresh_from_db()
    assert (booked.status, booked.is_hidden) == (Appointment.Status.BOOKED, False)
    client.post(page, form_with(back, "reason") | {"confirm": "yes"})
    booked.refresh_from_db()
    assert booked.is_hidden or booked.status == Appointment.Status.CANCELLED


def test_the_time_that_a_booking_is_moved_to_comes_back(client, person, session, afternoon):
    booked = booking.book(session, baker.make(Patient, national_id=""), by=None)
    page = reverse("admin:clinic_appointment_move", args=[booked.pk])
    form = form_with(client.get(page), "csrfmiddlewaretoken")
    form = typed_over(client, page, kept_forms.MARK, session=afternoon.slug)
    back = send_too_late(client, page, form, person)
    assert form_with(back, kept_forms.MARK)["session"] == [afternoon.slug]
    booked.refresh_from_db()
    assert booked.session == session


def test_a_merge_comes_back_with_its_choices(client, person):
    first, second = baker.make(Patient, national_id="", phone=iter(["0911 111 111", "0922 222 222"]), _quantity=2)
    page = f"{reverse('admin:clinic_patient_merge')}?first={first.pk}&second={second.pk}"
    form = typed_over(client, page, "keep", keep=second.pk, field_phone=first.pk, reason="the same card")
    back = send_too_late(client, page, form, person)
    again = form_with(back, "keep")
    assert (again["keep"], again["field_phone"]) == ([str(second.pk)], [str(first.pk)])
    assert again["reason"] == ["the same card"]
    assert not PatientMerge.objects.exists()


def test_the_survey_comes_back_with_its_new_question(client, person):
    baker.make(LikertQuestion, text="How do you sleep?", position=1)
    form = typed_over(client, "/admin/clinic/survey/", "likert-0-text")
    form |= {"likert-0-text": "How well do you sleep?", "likert-1-text": "A new one"}
    back = send_too_late(client, "/admin/clinic/survey/", form, person)
    again = form_with(back, "likert-0-text")
    assert (again["likert-0-text"], again["likert-1-text"]) == (["How well do you sleep?"], ["A new one"])
    assert LikertQuestion.objects.get().text == "How do you sleep?"


def test_a_list_that_is_edited_in_place_comes_back(client, person):
    cough, fever = (baker.make(Symptom, name=name, position=place) for name, place in (("Cough", 1), ("Fever", 2)))
    page = "/admin/clinic/symptom/?is_active__exact=1"
    form = typed_over(client, page, "form-0-position", **{"form-0-position": "7", "_save": "Save"})
    back = send_too_late(client, page, form, person)
    assert SAYS_SO in back.text
    again = form_with(back, "form-0-position")
    assert (again["form-0-position"], again["form-1-position"]) == (["7"], ["2"])
    cough.refresh_from_db()
    assert cough.position == 1
    fever.name, fever.position = "Fever", 9
    fever.save()
    client.post(page, again | {"_save": "Save"})
    assert list(Symptom.objects.order_by("name").values_list("name", "position")) == [("Cough", 7), ("Fever", 9)]


def test_an_action_that_asks_nothing_is_begun_anew(client, person):
    page = reverse("admin:clinic_symptom_changelist")
    symptom = baker.make(Symptom, name="Cough")
    form = typed_over(client, page, "form-0-position", action="hide", _selected_action=symptom.pk)
    sign_out(client)
    client.post(page, form)
    assert SAYS_SO not in sign_in(client, page, person).text


def test_who_booked_comes_back_with_what_was_ticked(client, person):
    booked = visit(session_today())
    booked.claimed, booked.identity_conflict = {"full_name": "Lin Mei", "phone": "0911"}, True
    booked.save()
    page = reverse("admin:clinic_appointment_identity", args=[booked.pk])
    form = typed_over(client, page, "field", field=["phone"], answer="take")
    back = send_too_late(client, page, form, person)
    assert form_with(back, "field")["field"] == ["phone"]
    new = typed_over(client, page, "full_name", full_name="Chen Wei", answer="new")
    assert form_with(send_too_late(client, page, new, person), "full_name")["full_name"] == ["Chen Wei"]
    booked.refresh_from_db()
    assert booked.identity_conflict


def test_what_was_decided_for_the_people_on_a_closed_day_comes_back(client, person, session, tomorrow):
    booked = booking.book(session, baker.make(Patient, national_id=""), by=None)
    page = reverse("admin:clinic_closure_add")
    form = typed_over(client, page, "reason", reason="a typhoon", starts_on=str(tomorrow), ends_on=str(tomorrow))
    asked = client.post(page, form)
    decided = form_with(asked, "reason") | {f"visit_{booked.pk}": "cancel"}
    back = send_too_late(client, page, decided, person)
    assert not Closure.objects.exists()
    client.post(page, form_with(back, "reason"))
    booked.refresh_from_db()
    assert (Closure.objects.count(), booked.status) == (1, Appointment.Status.CANCELLED)


def test_why_a_record_goes_back_to_a_version_comes_back(client, person, patient):
    patient.notes = "wrong"
    patient.save()
    page = reverse("admin:clinic_patient_simple_history", args=[patient.pk, patient.history.last().pk])
    back = send_too_late(client, page, typed_over(client, page, "reason", reason="mistyped"), person)
    assert form_with(back, "reason")["reason"] == ["mistyped"]
    patient.refresh_from_db()
    assert patient.notes == "wrong"


def test_it_is_noted_that_the_record_was_opened(client, person, patient):
    page = change_page(patient)
    form = typed_over(client, page, "notes", notes="x")
    before = AccessEvent.objects.count()
    send_too_late(client, page, form, person)
    assert AccessEvent.objects.count() == before + 1
