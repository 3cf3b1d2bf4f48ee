"""A booking without a national ID: the desk sees whose record it stands on, and which other one may be the person's."""

import pytest
from django.urls import reverse
from model_bakery import baker

from clinic.models import Appointment, Patient, PatientMerge
from clinic.patients import identity_conflicts
from clinic.patients.identity_conflicts import ConflictError

pytestmark = pytest.mark.django_db

LIN = {"full_name": "Lin Mei-ling", "date_of_birth": "1984-05-02", "sex": "female", "phone": "0912345678", "email": ""}
BOOKINGS = reverse("admin:clinic_appointment_changelist")


@pytest.fixture
def desk(client, front_desk):
    client.force_login(front_desk)
    return client


def page(appointment: Appointment) -> str:
    return reverse("admin:clinic_appointment_identity", args=[appointment.pk])


def on_file(**values) -> Patient:
    return baker.make(Patient, **LIN | {"national_id": "", "notes": ""} | values)


def booked(book_online, **details) -> Appointment:
    book_online(**details)
    return Appointment.objects.latest("pk")


def test_who_is_new_leaves_no_question(book_online):
    on_file(full_name="Chen Wei", date_of_birth="1990-01-01", phone="0922222222")
    assert not booked(book_online, national_id="").identity_conflict


def test_one_that_is_taken_for_somebody_on_file_is_to_be_checked(book_online, desk):
    patient = on_file()
    visit = booked(book_online, national_id="")
    assert (visit.patient, visit.identity_conflict) == (patient, True)
    assert page(visit) in desk.get(BOOKINGS + "?identity_conflict__exact=1").text
    assert page(visit) in desk.get(reverse("admin:clinic_appointment_change", args=[visit.pk])).text
    assert "identity to check" in desk.get(reverse("admin:clinic_patient_change", args=[patient.pk])).text
    assert "was booked without the number of a card" in desk.get(page(visit)).text
    desk.post(page(visit), {"answer": "file"})
    visit.refresh_from_db()
    assert not visit.identity_conflict


@pytest.mark.parametrize(
    "like",
    [
        {"national_id": "B123456780", "phone": ""},
        {"national_id": "B123456780", "full_name": "LIN MEI-LING"},
        {"full_name": "Lin Meiling"},
        {"date_of_birth": "1984-02-05"},
    ],
)
def test_a_record_like_one_on_file_is_told_and_merged_by_one_press(book_online, desk, front_desk, like):
    known = on_file(**like)
    visit = booked(book_online, national_id="")
    made = visit.patient
    assert (made != known, visit.identity_conflict) == (True, True)
    told = desk.get(page(visit)).text
    assert "another record that looks like it" in told
    assert reverse("admin:clinic_patient_change", args=[known.pk]) in told
    assert known.national_id == "" or known.national_id not in told
    assert desk.post(page(visit), {"answer": "twice", "record": known.pk}, follow=True).status_code == 200
    visit.refresh_from_db()
    known.refresh_from_db()
    made.refresh_from_db()
    assert (visit.patient, visit.identity_conflict) == (known, False)
    assert (made.is_hidden, known.phone) == (True, "0912345678")
    assert PatientMerge.objects.get().by == front_desk


def test_one_press_says_that_they_are_two_and_both_records_stay(book_online, desk):
    on_file(national_id="B123456780")
    visit = booked(book_online, national_id="")
    assert "No, both records stay" in desk.get(page(visit)).text
    desk.post(page(visit), {"answer": "file"})
    visit.refresh_from_db()
    assert not visit.identity_conflict
    assert Patient.objects.visible().count() == 2


def test_an_id_given_later_by_who_booked_without_one_is_told_too(book_online):
    known = on_file()
    visit = booked(book_online, national_id="A123456789")
    assert (visit.patient != known, visit.identity_conflict) == (True, True)


def test_two_ids_are_two_people(book_online):
    on_file(national_id="B123456780")
    assert not booked(book_online, national_id="A123456789").identity_conflict


def test_a_record_that_is_not_alike_is_not_merged(book_online, desk, front_desk):
    on_file(national_id="B123456780")
    visit = booked(book_online, national_id="")
    other = baker.make(Patient, national_id="", date_of_birth="1950-01-01", phone="")
    desk.post(page(visit), {"answer": "twice", "record": other.pk})
    desk.post(page(visit), {"answer": "twice", "record": "nonsense"})
    assert not PatientMerge.objects.exists()
    with pytest.raises(ConflictError, match="no longer alike"):
        identity_conflicts.on_file_twice(visit, other, by=front_desk)


def test_the_second_who_merges_is_told(book_online, desk, front_desk):
    known = on_file(national_id="B123456780")
    visit = booked(book_online, national_id="")
    stale = Appointment.objects.get(pk=visit.pk)
    assert stale.patient != known  # as it was on the page that the other one had open
    identity_conflicts.on_file_twice(visit, known, by=front_desk)
    with pytest.raises(ConflictError):
        identity_conflicts.on_file_twice(stale, known, by=front_desk)


def test_where_the_name_is_not_the_one_on_file_it_is_asked_who_came_before_anything_is_merged(book_online, desk):
    owner = on_file(national_id="A123456789", full_name="Chen Wei")
    known = on_file(full_name="Chen Wei")
    visit = booked(book_online, national_id="A123456789")
    assert (visit.patient, visit.identity_conflict) == (owner, True)
    assert desk.get(page(visit)).context["twins"] == []
    desk.post(page(visit), {"answer": "twice", "record": known.pk})
    assert not PatientMerge.objects.exists()


def test_who_may_not_merge_settles_without(book_online, client, clinician):
    known = on_file(national_id="B123456780")
    visit = booked(book_online, national_id="")
    client.force_login(clinician)
    assert "The same person: merge" not in client.get(page(visit)).text
    assert client.post(page(visit), {"answer": "twice", "record": known.pk}).status_code == 403
