"""The visit of a hidden patient keeps its place and its number, and names nobody but to administrators, with a mark."""

import datetime

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from model_bakery import baker

from backoffice.exchange.exporting import rows_of
from backoffice.models import Mail
from clinic import booking, reminders
from clinic.admin.desk import desk_of, version_of
from clinic.models import Appointment, IntakeRecord, Patient
from clinic.resources import AppointmentResource

pytestmark = pytest.mark.django_db

NAME = "Lin Mei-ling"
APPOINTMENTS = "/admin/clinic/appointment/"
INTAKE = "/admin/clinic/intakerecord/"


@pytest.fixture
def lin():
    return baker.make(Patient, full_name=NAME, national_id="A234567893", phone="0911222333", email="lin@example.org")


@pytest.fixture
def visit(session, lin, front_desk, django_capture_on_commit_callbacks) -> Appointment:
    """Of a patient who is hidden since."""
    with django_capture_on_commit_callbacks(execute=True):
        booked = booking.book(session, lin, by=front_desk)
    Patient.objects.filter(pk=lin.pk).hide(by=front_desk, reason="Entered twice")
    Mail.objects.all().delete()
    return Appointment.objects.get(pk=booked.pk)


def pages(visit) -> list[str]:
    return [
        APPOINTMENTS,
        f"{APPOINTMENTS}{visit.pk}/change/",
        f"{APPOINTMENTS}{visit.pk}/history/",
        INTAKE,
        f"/admin/clinic/clinicsession/{visit.session_id}/desk/",
        f"/admin/clinic/clinicsession/{visit.session_id}/history/",
    ]


def test_its_visit_names_nobody(client, front_desk, visit):
    client.force_login(front_desk)
    for page in pages(visit):
        shown = client.get(page).text
        assert NAME not in shown, page
        assert "hidden patient" in shown, page


def test_administrators_read_the_name_with_a_mark(client, administrator, visit):
    client.force_login(administrator)
    for page in pages(visit):
        assert f"{NAME} (hidden)" in client.get(page).text, page


@pytest.mark.parametrize("page", [APPOINTMENTS, INTAKE])
@pytest.mark.parametrize("typed", [NAME, "A234567893", "0911222333"])
def test_no_search_finds_it_by_what_it_does_not_show(client, front_desk, administrator, visit, page, typed):
    client.force_login(front_desk)
    assert client.get(page, {"q": typed}).context["cl"].result_count == 0
    client.force_login(administrator)
    assert client.get(page, {"q": typed}).context["cl"].result_count == 1


def test_the_intake_table_as_a_file_names_nobody_but_to_administrators(client, administrator, front_desk, visit):
    IntakeRecord.objects.get()
    front_desk.user_permissions.add(Permission.objects.get(codename="export_intakerecord"))
    for person, name in ((front_desk, "hidden patient"), (administrator, f"{NAME} (hidden)")):
        client.force_login(person)
        lines = b"".join(client.get(f"{INTAKE}csv/").streaming_content).decode()
        assert lines.splitlines()[1].startswith(f"{name},")


def test_an_export_of_visits_holds_nothing_of_who_it_is(visit):
    Appointment.objects.update(claimed={"full_name": "Lin Mei", "phone": "0999"}, reference="r" * 32)
    told = [str(cell) for cell in list(rows_of(AppointmentResource(), Appointment.objects.all()))[1]]
    assert "hidden patient" in told
    assert not {NAME, "A234567893", "Lin Mei", "0999"} & set(told)


def test_nothing_is_written_to_it(visit, front_desk, monkeypatch):
    monkeypatch.setattr(timezone, "localdate", lambda: visit.session.date - datetime.timedelta(days=1))
    assert reminders.remind() == 0
    booking.cancel(visit, by=front_desk)
    assert not Mail.objects.exists()


def test_an_open_desk_notices_that_somebody_is_hidden_and_back(session, lin, front_desk):
    booking.book(session, lin, by=front_desk)
    seen = [version_of(session)]
    Patient.objects.filter(pk=lin.pk).hide(by=front_desk)
    seen.append(version_of(session))
    assert desk_of(session).expected[0].patient.name_for(None) == "hidden patient"
    Patient.objects.filter(pk=lin.pk).restore(by=front_desk)
    assert seen[0] == version_of(session) != seen[1]


def test_an_identity_is_checked_once_the_record_is_back(client, front_desk, visit, django_capture_on_commit_callbacks):
    client.force_login(front_desk)
    with django_capture_on_commit_callbacks(execute=True):
        Appointment.objects.all().update(identity_conflict=True, claimed={"full_name": "Lin Mei"})
    assert NAME not in client.get("/admin/").text
    page = client.get(f"{APPOINTMENTS}{visit.pk}/identity/", follow=True).text
    assert "record is hidden" in page
    assert "Lin Mei" not in page


@pytest.mark.usefixtures("on_the_day")
def test_messages_of_the_desk_name_nobody(client, front_desk, visit):
    client.force_login(front_desk)
    booking.check_in(visit, by=front_desk)
    called = {"action": "call_next", "_selected_action": visit.session_id}
    said = client.post("/admin/clinic/clinicsession/", called, follow=True).text
    assert "is called: hidden patient" in said


def test_hidden_visits_stay_out_of_a_history_for_who_could_not_restore_them(client, django_user_model, lin, session):
    visit = booking.book(session, lin, by=None)
    Appointment.objects.all().hide(by=None)
    person = django_user_model.objects.create_user("looker", is_staff=True)
    person.user_permissions.add(*Permission.objects.filter(codename__in=["view_patient", "view_appointment"]))
    client.force_login(person)
    entries = client.get(f"/admin/clinic/patient/{lin.pk}/history/").context["entries"]
    assert {entry.what for entry in entries} == {"patient"}
    assert client.get(f"{APPOINTMENTS}{visit.pk}/history/").status_code == 403
