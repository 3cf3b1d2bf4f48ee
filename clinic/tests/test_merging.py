"""Two records of one person become one, and two again."""

import json

import pytest
from django.urls import reverse
from model_bakery import baker

from clinic import booking
from clinic.models import Appointment, IntakeRecord, Patient, PatientMerge
from clinic.patients import merging
from clinic.tests.clinics import session_today, visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, front_desk):
    client.force_login(front_desk)
    return client


@pytest.fixture
def keep() -> Patient:
    return baker.make(Patient, full_name="Lin Mei-ling", national_id="A123456789", phone="", email="")


@pytest.fixture
def other() -> Patient:
    return baker.make(Patient, full_name="Lin Meiling", national_id="B123456780", phone="0911111111", email="")


def merge(keep, other, by=None, choices=()) -> PatientMerge:
    return merging.merge(keep, other, choices=choices, by=by, reason="Seen on the card")


def refreshed(*rows):
    for row in rows:
        row.refresh_from_db()
    return rows


def test_everything_moves_and_the_other_is_hidden(keep, other, session, front_desk, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        booked = booking.book(session, other, by=None)
        done = merge(keep, other, front_desk, ["phone"])
    refreshed(keep, other, booked)
    assert (booked.patient, keep.phone, keep.full_name) == (keep, "0911111111", "Lin Mei-ling")
    assert other.is_hidden
    assert (done.moved, done.changed) == ({"clinic.Appointment.patient": [booked.pk]}, {"phone": ["", "0911111111"]})
    assert IntakeRecord.objects.get().patient == keep
    assert {row.history.latest().history_user for row in (keep, other, booked)} == {front_desk}


def test_of_two_bookings_of_one_session_the_copy_gives_its_place_back(keep, other, session):
    stays, copy = booking.book(session, keep, by=None), booking.book(session, other, by=None)
    merge(keep, other)
    refreshed(stays, copy, session)
    assert (stays.is_hidden, copy.is_hidden, session.booked) == (False, True, 1)


def test_the_booking_that_came_further_stays(keep, other):
    session = session_today()
    copy, stays = booking.book(session, keep, by=None), booking.book(session, other, by=None)
    booking.check_in(stays, by=None)
    merge(keep, other)
    refreshed(stays, copy)
    assert (stays.is_hidden, copy.is_hidden, stays.patient) == (False, True, keep)


@pytest.mark.parametrize("hides", ["keep", "other", "neither, but they are the same"])
def test_only_two_visible_records_are_merged(keep, other, hides):
    if hides == "keep":
        Patient.objects.filter(pk=keep.pk).hide(by=None)
    elif hides == "other":
        Patient.objects.filter(pk=other.pk).hide(by=None)
    else:
        other = keep
    with pytest.raises(merging.MergeError):
        merge(keep, other)
    assert not PatientMerge.objects.exists()


# -- Undone -----------------------------------------------------------------------------------------------------------


def test_undoing_puts_everything_back(keep, other, session, front_desk, django_capture_on_commit_callbacks):
    booked, copy = booking.book(session, keep, by=None), booking.book(session, other, by=None)
    with django_capture_on_commit_callbacks(execute=True):
        left = merging.undo(merge(keep, other, choices=["phone", "national_id"]), by=front_desk)
    refreshed(keep, other, booked, copy, session)
    assert left == []
    assert (keep.phone, keep.national_id, other.national_id) == ("", "A123456789", "B123456780")
    assert not other.is_hidden
    assert (copy.patient, copy.is_hidden, session.booked) == (other, False, 2)
    assert {record.patient for record in IntakeRecord.objects.all()} == {keep, other}


def test_what_was_changed_since_stays_and_is_named(keep, other, session, afternoon):
    booked = booking.book(session, other, by=None)
    done = merge(keep, other, choices=["phone"])
    keep.refresh_from_db()
    keep.phone = "0933333333"
    keep.save()
    booked.refresh_from_db()
    booked.patient = baker.make(Patient, national_id="")
    booked.save()
    since = booking.book(afternoon, keep, by=None)
    left = merging.undo(done, by=None)
    refreshed(keep, since)
    assert len(left) == 2
    assert (keep.phone, since.patient) == ("0933333333", keep)


def test_it_is_undone_once(keep, other):
    done = merge(keep, other)
    merging.undo(done, by=None)
    with pytest.raises(merging.MergeError, match="has undone this merge already"):
        merging.undo(done, by=None)


def test_nothing_is_undone_where_the_national_id_went_elsewhere(keep, other):
    done = merge(keep, other)
    baker.make(Patient, national_id="B123456780")
    with pytest.raises(merging.MergeError):
        merging.undo(done, by=None)
    assert PatientMerge.objects.standing().count() == 1


def test_a_chain_is_undone_from_its_end(keep, other):
    third = baker.make(Patient, national_id="")
    first = merge(keep, other)
    second = merge(third, keep)
    with pytest.raises(merging.MergeError, match="hidden"):
        merging.undo(first, by=None)
    merging.undo(second, by=None)
    merging.undo(first, by=None)
    assert Patient.objects.hidden().count() == 0


# -- Booking afterwards -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["A123456789", "B123456780"])
def test_either_national_id_finds_the_record_that_was_kept(book_online, keep, other, given):
    merge(keep, other)
    book_online(national_id=given)
    assert Appointment.objects.get().patient == keep
    assert Patient.objects.count() == 2


def test_after_undoing_each_finds_its_own(book_online, keep, other):
    merging.undo(merge(keep, other), by=None)
    book_online(national_id="B123456780")
    assert Appointment.objects.get().patient == other


def test_the_desk_books_the_one_that_was_kept(keep, other, session):
    stale = Patient.objects.get(pk=other.pk)
    merge(keep, other)
    assert booking.book(session, stale, by=None).patient == keep


# -- The pages --------------------------------------------------------------------------------------------------------


def page(first: Patient, second: Patient | None = None) -> str:
    return reverse("admin:clinic_patient_merge") + f"?first={first.pk}" + (f"&second={second.pk}" if second else "")


def sent(first, second, keep, reason="Seen on the card", **chosen) -> dict:
    fields = {f"field_{name}": row.pk for name, row in chosen.items()}
    return {"first": first.pk, "second": second.pk, "keep": keep.pk, "reason": reason, **fields}


def test_the_front_desk_sees_both_and_merges_them(desk, keep, other, session, front_desk):
    booking.book(session, other, by=None)
    html = desk.get(page(keep, other)).text
    assert "Lin Meiling" in html
    assert "1 appointment" in html
    assert "B123456780" not in html
    response = desk.post(page(keep, other), sent(keep, other, keep=keep, full_name=other))
    assert response.url == reverse("admin:clinic_patient_change", args=[keep.pk])
    refreshed(keep, other)
    assert (keep.full_name, other.is_hidden) == ("Lin Meiling", True)
    assert PatientMerge.objects.get().by == front_desk


def test_the_second_may_be_the_one_that_stays(desk, keep, other):
    desk.post(page(keep, other), sent(keep, other, keep=other))
    refreshed(keep, other)
    assert (keep.is_hidden, other.is_hidden, other.full_name) == (True, False, "Lin Meiling")


def test_it_wants_a_reason(desk, keep, other):
    assert desk.post(page(keep, other), sent(keep, other, keep=keep, reason="")).status_code == 200
    assert not PatientMerge.objects.exists()


def test_the_action_takes_exactly_two(desk, keep, other):
    patients = reverse("admin:clinic_patient_changelist")
    one = desk.post(patients, {"action": "merge", "_selected_action": [keep.pk]}, follow=True)
    assert "exactly two" in one.text
    two = desk.post(patients, {"action": "merge", "_selected_action": [keep.pk, other.pk]})
    assert two.url == page(keep, other)


def test_the_other_record_leads_to_the_one_that_was_kept_and_undoes_it(desk, keep, other):
    done = merge(keep, other)
    html = desk.get(reverse("admin:clinic_patient_change", args=[other.pk])).text
    assert reverse("admin:clinic_patient_change", args=[keep.pk]) in html
    undo = reverse("admin:clinic_patient_undo_merge", args=[done.pk])
    assert undo in html
    assert desk.get(undo).status_code == 405
    desk.post(undo)
    other.refresh_from_db()
    assert not other.is_hidden


def test_a_merged_record_is_not_restored_but_the_merge_undone(desk, keep, other):
    merge(keep, other)
    hidden = reverse("admin:clinic_patient_changelist") + "?hidden=yes"
    told = desk.post(hidden, {"action": "restore", "_selected_action": other.pk}, follow=True).text
    other.refresh_from_db()
    assert other.is_hidden
    assert "undo the merge" in told


def test_the_kept_records_history_has_both(desk, keep, other):
    session = session_today()
    answered = visit(session)
    merge(keep, other)
    merge(keep, answered.patient)
    entries = desk.get(reverse("admin:clinic_patient_history", args=[keep.pk])).context["entries"]
    patients = {entry.change.version.id for entry in entries if entry.change.model is Patient}
    assert patients == {keep.pk, other.pk, answered.patient_id}
    assert "scale answer" in {entry.what for entry in entries}


def test_clinicians_do_not_merge(client, clinician, keep, other):
    client.force_login(clinician)
    assert client.get(page(keep, other)).status_code == 403
    assert client.post(page(keep, other), sent(keep, other, keep=keep)).status_code == 403
    done = merge(keep, other)
    assert client.post(reverse("admin:clinic_patient_undo_merge", args=[done.pk])).status_code == 403
    assert PatientMerge.objects.standing().count() == 1


@pytest.mark.parametrize("query", ["", "?first=x", "?first=999999", "?first=1&second=y"])
def test_an_address_that_makes_no_sense_is_not_there(desk, query):
    assert desk.get(reverse("admin:clinic_patient_merge") + query).status_code == 404


# -- At the same moment -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_whoever_books_while_records_are_merged_is_on_the_one_that_stays(installation):
    told = json.loads(installation.python("from clinic.tests import rush; rush.merge_while_booking(times=5)"))
    assert told["errors"] == []
    assert (told["booked"], told["on_hidden"], told["visible"]) == (5 * 3, 0, 5)
    installation.manage("check_integrity")
