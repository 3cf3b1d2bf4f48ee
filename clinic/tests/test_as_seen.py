"""A decision on a page is about what the page showed: where somebody else was first, the other is told who, and decides
anew."""

import html
import re

import pytest
from django.test import Client
from django.urls import reverse
from model_bakery import baker

from clinic import booking
from clinic.models import Appointment, LikertQuestion, Patient, Symptom
from clinic.tests.clinics import a_clinic, session_today

pytestmark = pytest.mark.django_db

APPOINTMENTS = "/admin/clinic/appointment/"
PATIENTS = "/admin/clinic/patient/"
MERGE = PATIENTS + "merge/"


def window(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def one(front_desk):
    return window(front_desk)


@pytest.fixture
def other(administrator):
    administrator.first_name, administrator.last_name = "Kai", "Wang"
    administrator.save()
    return window(administrator)


def seen_on(page) -> str:
    return re.search(r'name="seen" value="([^"]*)"', page.text)[1]


# -- An identity ------------------------------------------------------------------------------------------------------


@pytest.fixture
def doubtful(book_online) -> Appointment:
    baker.make(Patient, full_name="Chen Wei", date_of_birth="1984-05-02", sex="female", national_id="A123456789")
    book_online(national_id="A123456789", full_name="Lin Mei-ling")
    return Appointment.objects.get()


def identity(visit) -> str:
    return reverse("admin:clinic_appointment_identity", args=[visit.pk])


@pytest.mark.parametrize("answer", [{"answer": "file"}, {"answer": "take", "field": "full_name"}])
def test_an_identity_whose_file_was_changed_meanwhile_is_compared_once_more(one, other, doubtful, answer):
    seen = seen_on(one.get(identity(doubtful)))
    patient = doubtful.patient
    patient.full_name, patient._history_user = "Chen Wei-Ting", other.get("/admin/").context["user"]
    patient.save()
    told = one.post(identity(doubtful), {**answer, "seen": seen})
    assert "Kai Wang has changed the patient’s record since you looked" in told.text
    doubtful.refresh_from_db()
    patient.refresh_from_db()
    assert (doubtful.identity_conflict, patient.full_name) == (True, "Chen Wei-Ting")
    one.post(identity(doubtful), {**answer, "seen": seen_on(told)})
    doubtful.refresh_from_db()
    assert not doubtful.identity_conflict


def test_who_settles_it_second_is_told_who_did_and_how(one, other, doubtful):
    seen = seen_on(one.get(identity(doubtful)))
    other.post(identity(doubtful), {"answer": "file", "seen": seen})
    told = one.post(identity(doubtful), {"answer": "take", "field": "full_name", "seen": seen}, follow=True)
    assert "Kai Wang has settled this already. Identity checked: the same person, the file is right." in told.text
    assert Patient.objects.get().full_name == "Chen Wei"


def test_whoever_has_the_page_alone_computes_nothing_of_what_it_showed(front_desk, doubtful, settings):
    seen = seen_on(window(front_desk).get(identity(doubtful)))
    assert seen_on(window(front_desk).get(identity(doubtful))) == seen
    settings.FIELD_KEYS, settings.SECRET_KEY = [settings.SECRET_KEY], "of another site"
    assert seen_on(window(front_desk).get(identity(doubtful))) != seen


# -- A merge ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def twice() -> list[Patient]:
    return [baker.make(Patient, full_name=name, national_id="", phone="") for name in ("Lin Mei", "Lin Mei-ling")]


def test_a_merge_of_what_was_changed_meanwhile_is_compared_once_more(one, other, twice):
    first, second = twice
    both = {"first": first.pk, "second": second.pk, "keep": first.pk, "reason": "seen on the card"}
    seen = seen_on(one.get(MERGE, both))
    second.phone, second._history_user = "0922 222 222", other.get("/admin/").context["user"]
    second.save()
    told = one.post(MERGE, both | {"seen": seen})
    assert "Kai Wang has changed one of the two since you looked" in told.text
    assert Patient.objects.visible().count() == 2
    one.post(MERGE, both | {"seen": seen_on(told)})
    assert Patient.objects.visible().get() == first


@pytest.mark.parametrize("kept", [0, 1])
def test_who_merges_them_second_is_told_who_did_and_led_to_the_one_that_stays(one, other, twice, kept):
    first, second = twice
    both = {"first": first.pk, "second": second.pk, "reason": "seen on the card"}
    seen = seen_on(one.get(MERGE, both))
    other.post(MERGE, both | {"keep": twice[kept].pk, "seen": seen})
    told = one.post(MERGE, both | {"keep": first.pk, "seen": seen}, follow=True)
    assert f"Kai Wang has merged this into the record of {twice[kept].full_name} already" in told.text
    assert told.redirect_chain[-1][0] == reverse("admin:clinic_patient_change", args=[twice[kept].pk])


# -- A booking --------------------------------------------------------------------------------------------------------


@pytest.fixture
def visit() -> Appointment:
    [made] = a_clinic()
    return made


def slugs(page) -> list[str]:
    return [slug for slug, _title in page.context["form"].fields["session"].choices]


def test_a_booking_that_was_moved_meanwhile_is_not_moved_on(one, other, visit):
    move = reverse("admin:clinic_appointment_move", args=[visit.pk])
    page = one.get(move)
    first, second = slugs(page)[:2]
    other.post(move, {"session": first, "seen": seen_on(page)})
    told = one.post(move, {"session": second, "seen": seen_on(page)})
    assert "Kai Wang has changed this booking since you looked" in told.text
    visit.refresh_from_db()
    assert visit.session.slug == first
    one.post(move, {"session": second, "seen": seen_on(told)})
    visit.refresh_from_db()
    assert visit.session.slug == second


def test_a_booking_that_was_moved_meanwhile_is_not_cancelled_unasked(one, other, visit):
    chosen = {"action": "cancel", "_selected_action": visit.pk}
    page = one.post(APPOINTMENTS, chosen)
    move = reverse("admin:clinic_appointment_move", args=[visit.pk])
    other.post(move, {"session": slugs(other.get(move))[0]})
    told = one.post(APPOINTMENTS, chosen | {"confirm": "yes", "seen": seen_on(page)})
    assert "Kai Wang has changed this booking since you looked" in told.text
    visit.refresh_from_db()
    assert visit.status == "booked"
    one.post(APPOINTMENTS, chosen | {"confirm": "yes", "seen": seen_on(told)})
    visit.refresh_from_db()
    assert visit.status == "cancelled"


def test_at_the_desk_the_second_is_told_who_was_first(one, other):
    visit = booking.book(session_today(), baker.make(Patient, national_id=""), by=None)
    desk = reverse("admin:clinic_clinicsession_desk", args=[visit.session_id])
    press = {"do": f"check_in:{visit.pk}:booked"}
    other.post(desk, press)
    assert "Kai Wang was first: number 1 is “here” now." in one.post(desk, press, follow=True).text
    chosen = {"action": "check_in", "_selected_action": visit.pk}
    assert "Kai Wang was first" in one.post(APPOINTMENTS, chosen, follow=True).text


# -- A record ---------------------------------------------------------------------------------------------------------


def test_who_hides_or_restores_second_is_told_who_did(one, other, twice):
    first, _second = twice
    hide = {"action": "hide", "_selected_action": first.pk, "confirm": "yes", "reason": "entered twice"}
    other.post(PATIENTS, hide)
    assert "Kai Wang has hidden this already" in one.post(PATIENTS + "?hidden=all", hide, follow=True).text
    restore = {"action": "restore", "_selected_action": first.pk}
    other.post(PATIENTS + "?hidden=all", restore)
    told = one.post(PATIENTS + "?hidden=all", restore, follow=True).text
    assert "this is visible, and Kai Wang was the last to change it" in told


def test_a_record_that_was_changed_meanwhile_does_not_go_back_unasked(one, other, twice):
    first, _second = twice
    first.notes = "a note"
    first.save()
    version = first.history.last()
    page = reverse("admin:clinic_patient_simple_history", args=[first.pk, version.pk])
    seen = seen_on(one.get(page))
    first.phone, first._history_user = "0922 222 222", other.get("/admin/").context["user"]
    first.save()
    told = one.post(page, {"reason": "a mistake", "seen": seen})
    assert "Kai Wang changed this meanwhile" in told.text
    first.refresh_from_db()
    assert (first.notes, first.phone) == ("a note", "0922 222 222")
    one.post(page, {"reason": "a mistake", "seen": seen_on(told)})
    first.refresh_from_db()
    assert (first.notes, first.phone) == ("", "")


# -- Tables of inputs -------------------------------------------------------------------------------------------------


def filled_in(formsets) -> dict[str, str]:
    """What a browser would send of these tables, with what each input showed."""
    sent = {}
    for formset in formsets:
        for form in (formset.management_form, *formset):
            for name, value in re.findall(r'<input[^>]* name="([^"]+)"(?:[^>]* value="([^"]*)")?', str(form)):
                sent[name] = html.unescape(value)
            unticked = [bound.html_name for bound in form if bound.widget_type == "checkbox" and not bound.value()]
            for name in unticked:
                del sent[name]
    return sent


@pytest.fixture
def questions() -> list[LikertQuestion]:
    return [
        baker.make(LikertQuestion, text=text, min_label="never", max_label="always", position=number)
        for number, text in enumerate(["Do you cough?", "Do you sleep?"])
    ]


def asked() -> list[tuple]:
    return list(LikertQuestion.objects.order_by("pk").values_list("text", "position", "is_required"))


SURVEY = "/admin/clinic/survey/"
SYMPTOMS = "/admin/clinic/symptom/"


@pytest.fixture
def two_offices(other, administrator, django_user_model):
    return other, window(django_user_model.objects.create_superuser("second"))


def test_of_two_who_edit_the_survey_nobody_overwrites_what_the_other_changed(two_offices, questions):
    first, second = two_offices
    theirs, mine = (filled_in(office.get(SURVEY).context["forms"]) for office in two_offices)
    first.post(SURVEY, theirs | {"likert-0-text": "Do you cough at night?"})
    second.post(SURVEY, mine | {"likert-0-max_label": "every night", "likert-1-position": "7"})
    assert [(text, position) for text, position, _required in asked()] == [
        ("Do you cough at night?", 0),
        ("Do you sleep?", 7),
    ]
    assert LikertQuestion.objects.order_by("pk")[0].max_label == "every night"


def test_where_both_changed_one_input_the_later_is_asked_and_decides(two_offices, questions):
    first, second = two_offices
    theirs, mine = (filled_in(office.get(SURVEY).context["forms"]) for office in two_offices)
    first.post(SURVEY, theirs | {"likert-0-text": "Do you cough at night?"})
    told = second.post(SURVEY, mine | {"likert-0-text": "Do you cough by day?"})
    assert "Kai Wang changed this to “Do you cough at night?” meanwhile" in told.text
    assert asked()[0][0] == "Do you cough at night?"
    again = filled_in(told.context["forms"])
    assert again["likert-0-text"] == "Do you cough by day?"
    second.post(SURVEY, again)
    assert asked()[0][0] == "Do you cough by day?"


def test_of_two_who_edit_a_list_nobody_overwrites_what_the_other_changed(two_offices):
    first, second = two_offices
    symptom = baker.make(Symptom, name="cough", position=1, is_active=True)
    theirs, mine = (filled_in([office.get(SYMPTOMS).context["cl"].formset]) for office in two_offices)
    del theirs["form-0-is_active"]
    first.post(SYMPTOMS, theirs | {"_save": "Save"})
    second.post(SYMPTOMS, mine | {"form-0-position": "5", "_save": "Save"})
    symptom.refresh_from_db()
    assert (symptom.position, symptom.is_active) == (5, False)
