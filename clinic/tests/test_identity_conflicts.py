"""A booking whose name is not the one on file: three answers, each once."""

import pytest
from django.urls import reverse
from model_bakery import baker

from clinic import booking
from clinic.models import Appointment, Patient
from clinic.patients import identity_conflicts, merging

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, front_desk):
    client.force_login(front_desk)
    return client


@pytest.fixture
def conflict(book_online) -> Appointment:
    baker.make(
        Patient, full_name="Chen Wei", date_of_birth="1984-05-02", sex="female", national_id="A123456789", email=""
    )
    book_online(national_id="A123456789", full_name="Lin Mei-ling", phone="0922222222")
    appointment = Appointment.objects.get()
    assert appointment.identity_conflict
    return appointment


def page(appointment: Appointment) -> str:
    return reverse("admin:clinic_appointment_identity", args=[appointment.pk])


def settled(appointment: Appointment) -> Appointment:
    appointment.refresh_from_db()
    assert not appointment.identity_conflict
    return appointment


def test_the_list_and_the_record_lead_to_the_page(desk, conflict):
    listed = desk.get(reverse("admin:clinic_appointment_changelist") + "?identity_conflict__exact=1").text
    assert page(conflict) in listed
    assert page(conflict) in desk.get(reverse("admin:clinic_appointment_change", args=[conflict.pk])).text
    html = desk.get(page(conflict)).text
    assert "Lin Mei-ling" in html
    assert "Chen Wei" in html


def test_the_file_is_right(desk, conflict, front_desk):
    desk.post(page(conflict), {"answer": "file"})
    appointment = settled(conflict)
    assert (appointment.patient.full_name, appointment.claimed["full_name"]) == ("Chen Wei", "Lin Mei-ling")
    latest = appointment.history.latest()
    assert (latest.history_user, "the file is right" in latest.history_change_reason) == (front_desk, True)


def test_what_is_ticked_is_taken_over_and_no_more(desk, conflict, front_desk):
    desk.post(page(conflict), {"answer": "take", "field": ["full_name"]})
    appointment = settled(conflict)
    assert (appointment.patient.full_name, appointment.patient.phone == "0922222222") == ("Lin Mei-ling", False)
    assert list(appointment.claimed) == ["phone"]
    assert appointment.patient.history.latest().history_user == front_desk


@pytest.mark.parametrize("fields", [[], ["national_id"], ["hidden_at"]])
def test_nothing_else_can_be_taken_over(desk, conflict, fields):
    desk.post(page(conflict), {"answer": "take", "field": fields})
    conflict.refresh_from_db()
    assert conflict.identity_conflict


def test_it_is_somebody_else_who_is_new(desk, conflict):
    owner = conflict.patient
    details = {"full_name": "Lin Mei-ling", "date_of_birth": "1984-05-02", "sex": "female", "national_id": ""}
    desk.post(page(conflict), {"answer": "new", **details})
    appointment = settled(conflict)
    owner.refresh_from_db()
    assert (appointment.patient.full_name, appointment.patient.national_id) == ("Lin Mei-ling", "")
    assert (owner.national_id, appointment.claimed) == ("A123456789", {})


def test_the_new_record_cannot_take_the_owners_national_id(desk, conflict):
    details = {"full_name": "Lin", "date_of_birth": "1984-05-02", "sex": "female", "national_id": "A123456789"}
    assert (
        "Another patient already has this national ID" in desk.post(page(conflict), {"answer": "new", **details}).text
    )
    conflict.refresh_from_db()
    assert conflict.identity_conflict
    assert Patient.objects.count() == 1


def test_it_is_somebody_else_who_is_known(desk, conflict):
    known = baker.make(Patient, national_id="")
    desk.post(page(conflict), {"answer": "known", "patient": known.pk})
    assert settled(conflict).patient == known


def test_somebody_who_is_booked_then_already_is_refused(desk, conflict):
    known = baker.make(Patient, national_id="")
    booking.book(conflict.session, known, by=None)
    assert (
        "has a booking in this session already"
        in desk.post(page(conflict), {"answer": "known", "patient": known.pk}).text
    )
    conflict.refresh_from_db()
    assert conflict.identity_conflict


def test_a_cancelled_booking_stands_in_nobodys_way(desk, conflict, front_desk):
    known = baker.make(Patient, national_id="")
    booking.book(conflict.session, known, by=None)
    booking.cancel(conflict, by=front_desk)
    desk.post(page(conflict), {"answer": "known", "patient": known.pk})
    assert settled(conflict).patient == known


def test_the_second_who_settles_it_is_told(conflict, front_desk):
    stale = Appointment.objects.get(pk=conflict.pk)
    identity_conflicts.file_is_right(conflict, by=front_desk)
    with pytest.raises(identity_conflicts.ConflictError, match="already"):
        identity_conflicts.take_over(stale, ["full_name"], by=front_desk)
    assert Patient.objects.get().full_name == "Chen Wei"


def test_a_settled_one_leads_back(desk, conflict, front_desk):
    identity_conflicts.file_is_right(conflict, by=front_desk)
    assert desk.get(page(conflict)).url == reverse("admin:clinic_appointment_change", args=[conflict.pk])


def test_the_flag_is_not_ticked_off_in_passing(desk, conflict):
    change = reverse("admin:clinic_appointment_change", args=[conflict.pk])
    form = desk.get(change).context["adminform"].form
    assert "identity_conflict" not in form.fields


def test_a_visit_lands_on_the_record_that_another_was_merged_into(desk, conflict, administrator):
    kept, merged = (baker.make(Patient, full_name="Lin Mei-ling", national_id="") for _record in range(2))
    merging.merge(kept, merged, choices=[], by=administrator, reason="twice")
    identity_conflicts.another_person(conflict, Patient.objects.get(pk=merged.pk), by=administrator)
    assert settled(conflict).patient == kept


def test_a_visit_lands_on_no_hidden_record(conflict, administrator):
    hidden = baker.make(Patient, national_id="")
    Patient.objects.filter(pk=hidden.pk).hide(by=administrator, reason="not a person")
    with pytest.raises(identity_conflicts.ConflictError, match="hidden"):
        identity_conflicts.another_person(conflict, Patient.objects.get(pk=hidden.pk), by=administrator)
