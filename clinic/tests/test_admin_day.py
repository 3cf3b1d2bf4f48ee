"""The front desk's day, through the admin."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker

from backoffice.models import Mail
from clinic import booking
from clinic.models import Appointment, ClinicSession, Patient, Symptom
from clinic.tests.clinics import session_today, visit

pytestmark = pytest.mark.django_db

APPOINTMENTS = reverse("admin:clinic_appointment_changelist")
SESSIONS = reverse("admin:clinic_clinicsession_changelist")
WALK_IN = reverse("admin:clinic_appointment_add")
Status = Appointment.Status


@pytest.fixture
def desk(client, front_desk):
    client.force_login(front_desk)
    return client


@pytest.fixture
def session():
    return session_today()


def run(client, page: str, action: str, *rows, **more) -> list[str]:
    """Run an action on these rows; returns what the page says then."""
    data = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return [str(message) for message in client.post(page, data, follow=True).context["messages"]]


def status_of(appointment: Appointment) -> str:
    appointment.refresh_from_db()
    return appointment.status


# -- Walk-ins ---------------------------------------------------------------------------------------------------------


def walk_in(patient: Patient, session: ClinicSession, **more) -> dict:
    return {"patient": patient.pk, "offer": session.slug, "symptoms": [], "notes": "", **more}


def test_the_desk_books_a_walk_in(desk, front_desk, session):
    patient, cough = baker.make(Patient, national_id=""), baker.make(Symptom)
    response = desk.post(WALK_IN, walk_in(patient, session, symptoms=[cough.pk], notes="in pain"))
    assert response.status_code == 302
    appointment = Appointment.objects.get()
    assert (appointment.patient, appointment.session, appointment.queue_number) == (patient, session, 1)
    assert (appointment.source, appointment.notes) == (Appointment.Source.STAFF, "in pain")
    assert list(appointment.symptoms.all()) == [cough]
    assert appointment.history.last().history_user == front_desk
    session.refresh_from_db()
    assert session.booked == 1


def test_a_full_session_says_so_and_keeps_what_was_typed(desk):
    session = session_today(capacity=1)
    visit(session)
    patient = baker.make(Patient, national_id="")
    response = desk.post(WALK_IN, walk_in(patient, session, notes="in pain"))
    assert response.status_code == 200
    assert "This time is full" in response.text
    assert "in pain" in response.text
    assert Appointment.objects.count() == 1


def test_the_desk_may_overbook_on_purpose(desk):
    session = session_today(capacity=1)
    visit(session)
    desk.post(WALK_IN, walk_in(baker.make(Patient, national_id=""), session, overbook="on"))
    session.refresh_from_db()
    assert (session.booked, session.overbooked) == (2, 1)


def test_the_same_patient_twice_is_refused_in_a_sentence(desk, session):
    appointment = visit(session)
    response = desk.post(WALK_IN, walk_in(appointment.patient, session))
    assert response.status_code == 200
    assert "already a booking" in response.text


@pytest.mark.parametrize("offer", ["", "nonsense", "2026-99-99/morning", "1999-01-01/morning", "/"])
def test_a_time_that_is_not_offered_is_refused(desk, session, offer):
    response = desk.post(WALK_IN, {**walk_in(baker.make(Patient, national_id=""), session), "offer": offer})
    assert response.status_code == 200
    assert not Appointment.objects.exists()


def test_a_page_left_open_until_its_time_is_over_says_so(desk, session):
    yesterday = session_today(date=session.date - timedelta(days=1))
    response = desk.post(WALK_IN, walk_in(baker.make(Patient, national_id=""), yesterday))
    assert "This time is over, or no longer offered" in response.text
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("days", [-1, 1])
def test_nobody_of_another_day_is_checked_in_or_called_from_the_lists(desk, session, days):
    session = session_today(date=session.date + timedelta(days=days))
    booked, here = visit(session), visit(session)
    Appointment.objects.filter(pk=here.pk).update(status=Status.CHECKED_IN)
    why = "is over" if days < 0 else "is still to come"
    assert why in run(desk, APPOINTMENTS, "check_in", booked)[0]
    assert why in run(desk, SESSIONS, "call_next", session)[0]
    assert [status_of(booked), status_of(here)] == [Status.BOOKED, Status.CHECKED_IN]


def test_patient_and_session_stay_as_they_were_booked(desk, session):
    appointment = visit(session)
    other = baker.make(Patient, national_id="")
    page = reverse("admin:clinic_appointment_change", args=[appointment.pk])
    inlines = {
        f"{prefix}-{key}": value
        for prefix in ("likert_answers", "numeric_answers")
        for key, value in {"TOTAL_FORMS": 0, "INITIAL_FORMS": 0}.items()
    }
    assert desk.post(page, {"patient": other.pk, "notes": "moved a chair", **inlines}).status_code == 302
    before = appointment.patient
    appointment.refresh_from_db()
    assert (appointment.patient, appointment.notes) == (before, "moved a chair")


# -- The queue --------------------------------------------------------------------------------------------------------


def test_the_day_goes_from_booked_to_done(desk, session):
    first, second = visit(session), visit(session)
    assert run(desk, APPOINTMENTS, "check_in", first, second) == ["2 patients are checked in."]
    [told] = run(desk, SESSIONS, "call_next", session)
    assert f"Number 1 is called: {first.patient}." in told
    assert reverse("admin:clinic_clinicsession_desk", args=[session.pk]) in told
    assert status_of(first) == Status.CALLED
    assert run(desk, APPOINTMENTS, "mark_done", first) == ["1 visit is done."]
    run(desk, SESSIONS, "call_next", session)
    [told] = run(desk, SESSIONS, "recall", session)
    assert f"Number 2 is called: {second.patient}." in told
    assert run(desk, SESSIONS, "skip", session) == [f"{session}: nobody is waiting."]
    assert run(desk, APPOINTMENTS, "mark_no_show", second) == ["1 patient did not come."]
    assert (status_of(first), status_of(second)) == (Status.DONE, Status.NO_SHOW)


def test_what_cannot_be_done_is_told_one_by_one(desk, session):
    good, over = visit(session), visit(session)
    booking.cancel(over, by=None)
    told = run(desk, APPOINTMENTS, "check_in", good, over)
    assert len(told) == 2
    assert str(over.patient) in told[0]
    assert "cancelled" in told[0]
    assert told[1] == "1 patient is checked in."


def test_recalling_nobody_is_told(desk, session):
    [told] = run(desk, SESSIONS, "recall", session)
    assert "Nobody is being called" in told


def test_cancelling_gives_the_place_back(desk, session):
    appointment = visit(session)
    asked = desk.post(APPOINTMENTS, {"action": "cancel", "_selected_action": [appointment.pk]})
    assert appointment.patient.full_name in asked.text
    assert status_of(appointment) == Status.BOOKED
    run(desk, APPOINTMENTS, "cancel", appointment, confirm="yes", reason="rang at nine")
    session.refresh_from_db()
    assert (status_of(appointment), session.booked) == (Status.CANCELLED, 0)
    assert appointment.history.first().history_change_reason == "rang at nine"


def test_a_cancellation_is_taken_back_where_there_is_a_place_still(desk, session):
    appointment = visit(session)
    booking.cancel(appointment, by=None)
    assert run(desk, APPOINTMENTS, "reinstate", appointment) == ["1 booking stands again."]
    session.refresh_from_db()
    assert (status_of(appointment), session.booked) == (Status.BOOKED, 1)
    booking.cancel(appointment, by=None)
    ClinicSession.objects.update(capacity=0)
    assert "This time is full" in run(desk, APPOINTMENTS, "reinstate", appointment)[0]
    assert status_of(appointment) == Status.CANCELLED


def test_the_desk_moves_a_booking_to_another_of_the_days_times(desk, session, hours, tomorrow):
    appointment = visit(session)
    page = reverse("admin:clinic_appointment_move", args=[appointment.pk])
    assert page in desk.get(reverse("admin:clinic_appointment_change", args=[appointment.pk])).text
    assert appointment.patient.full_name in desk.get(page).text
    told = desk.post(page, {"session": f"{tomorrow}/afternoon"}, follow=True)
    assert "Moved to" in told.text
    appointment.refresh_from_db()
    assert appointment.session.slug == f"{tomorrow}/afternoon"


def test_a_lost_link_is_sent_again_to_the_address_on_file_and_to_no_other(desk, session):
    appointment = visit(session)
    assert "there is no address" in run(desk, APPOINTMENTS, "send_link", appointment)[0]
    Patient.objects.update(email="lin@example.org")
    assert run(desk, APPOINTMENTS, "send_link", appointment) == ["1 link is on its way."]
    letter = Mail.objects.get()
    assert letter.to == "lin@example.org"
    assert appointment.reference in letter.body


def test_clinicians_do_not_call_patients(client, clinician, session):
    client.force_login(clinician)
    appointment = visit(session)
    booking.check_in(appointment, by=None)
    client.post(SESSIONS, {"action": "call_next", "_selected_action": session.pk})
    assert status_of(appointment) == Status.CHECKED_IN


def test_a_hidden_appointment_leaves_the_list_and_comes_back(desk, session):
    appointment = visit(session)
    run(desk, APPOINTMENTS, "hide", appointment, confirm="yes", reason="Entered twice")
    assert appointment.patient.full_name not in desk.get(APPOINTMENTS).text
    assert appointment.patient.full_name in desk.get(APPOINTMENTS + "?hidden=yes").text
    run(desk, APPOINTMENTS + "?hidden=yes", "restore", appointment)
    assert appointment.patient.full_name in desk.get(APPOINTMENTS).text


def test_the_list_knows_what_today_is(desk, session):
    here = visit(session)
    tomorrow = session_today(date=timezone.localdate() + timedelta(days=1))
    there = visit(tomorrow)
    page = desk.get(APPOINTMENTS + "?day=today").text
    assert here.patient.full_name in page
    assert there.patient.full_name not in page
    page = desk.get(APPOINTMENTS + "?day=tomorrow").text
    assert there.patient.full_name in page
    assert here.patient.full_name not in page


# -- The first page ---------------------------------------------------------------------------------------------------


def test_the_dashboard_calls_the_next_and_comes_back(desk, session):
    appointment = visit(session)
    booking.check_in(appointment, by=None)
    page = desk.get(reverse("admin:index")).text
    assert "1 of 50 booked" in page
    assert "Call next" in page
    response = desk.post(
        SESSIONS, {"action": "call_next", "_selected_action": session.pk, "_from_dashboard": "1"}, follow=True
    )
    assert response.request["PATH_INFO"] == reverse("admin:index")
    assert f"Number 1 is called: {appointment.patient}." in response.text
    assert status_of(appointment) == Status.CALLED


def test_clinicians_see_today_without_the_button(client, clinician, session):
    visit(session)
    client.force_login(clinician)
    page = client.get(reverse("admin:index")).text
    assert "1 of 50 booked" in page
    assert "Call next" not in page


def test_who_has_no_role_sees_no_numbers(client, django_user_model, session):
    client.force_login(django_user_model.objects.create_user("new", is_staff=True))
    page = client.get(reverse("admin:index")).text
    assert "booked" not in page
    assert "an administrator gives roles" in page


def test_an_empty_clinic_says_what_to_do(client, administrator):
    client.force_login(administrator)
    assert "Type the opening hours" in client.get(reverse("admin:index")).text
