"""A record's history: one timeline, in words, and the way back to a version."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from model_bakery import baker
from simple_history.admin import SimpleHistoryAdmin

from backoffice.models import AccessEvent
from backoffice.records.diffs import Kind
from clinic import booking
from clinic.models import Appointment, ClinicSession, Patient, Symptom
from clinic.tests.clinics import a_clinic, session_today, visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, front_desk):
    client.force_login(front_desk)
    return client


@pytest.fixture
def lin() -> Patient:
    lin = Patient(
        full_name="Lin Mei-ling", date_of_birth="1984-05-02", sex="female", national_id="A123456789", phone="0911111111"
    )
    lin.save()
    return lin


def change(row, by=None, reason="", **values) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row._history_user, row._change_reason = by, reason
    row.save()


def page(name: str, row, *more) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk, *more])


def entries(client, row, query: str = "") -> list:
    response = client.get(page("history", row) + query)
    assert response.status_code == 200
    return response.context["entries"]


def told(entry) -> dict[str, tuple[str, str]]:
    return {one.title: (one.old, one.new) for one in entry.diffs}


# -- The timeline -----------------------------------------------------------------------------------------------------


def test_it_tells_when_who_why_and_what_in_words(desk, lin, front_desk):
    change(lin, front_desk, "Called us", phone="0922222222", sex="other")
    newest, first = entries(desk, lin)
    assert (newest.kind, newest.change.version.history_user, newest.reason) == (Kind.CHANGED, front_desk, "Called us")
    assert told(newest) == {"Phone": ("0911111111", "0922222222"), "Sex": ("female", "other")}
    assert (first.kind, first.diffs) == (Kind.ADDED, [])


def test_a_national_id_is_masked_there_and_on_the_version(desk, lin, front_desk):
    change(lin, front_desk, national_id="B123456780")
    newest, _first = entries(desk, lin)
    assert told(newest) == {"National ID": ("•••••••789", "•••••••780")}
    for address in (page("history", lin), page("simple_history", lin, lin.history.earliest().pk)):
        html = desk.get(address).text
        assert "A123456789" not in html
        assert "B123456780" not in html


def test_hiding_and_restoring_are_told_as_such(desk, lin, front_desk):
    Patient.objects.all().hide(by=front_desk, reason="Entered twice")
    Patient.objects.all().restore(by=front_desk)
    restored, hidden, _added = entries(desk, lin)
    assert (restored.kind, hidden.kind, hidden.reason) == (Kind.RESTORED, Kind.HIDDEN, "Entered twice")
    assert hidden.diffs == restored.diffs == []


def test_it_has_what_hangs_on_the_record_and_on_that(desk):
    [appointment] = a_clinic()
    answer = appointment.likert_answers.get()
    change(answer, score=7)
    whats = [(entry.what, entry.kind) for entry in entries(desk, appointment.patient)]
    assert ("scale answer", Kind.CHANGED) in whats
    assert ("number answer", Kind.ADDED) in whats
    assert ("appointment", Kind.ADDED) in whats


def test_symptoms_are_told_by_name(desk):
    appointment = visit(session_today())
    cough = baker.make(Symptom, name="Cough")
    before = ", ".join(symptom.name for symptom in appointment.symptoms.all())
    appointment.symptoms.add(cough)
    assert told(entries(desk, appointment)[0])["Symptoms"] == (before, f"{before}, Cough")


def test_every_step_of_the_desk_is_told_with_who_did_it(desk, front_desk):
    appointment = booking.book(session_today(), baker.make(Patient, national_id=""), by=front_desk)
    booking.check_in(appointment, by=front_desk)
    booking.call(appointment, by=front_desk)
    steps = [entry for entry in entries(desk, appointment) if "Status" in told(entry)]
    assert [told(entry)["Status"] for entry in steps] == [("here", "called"), ("booked", "here")]
    assert {entry.change.version.history_user for entry in steps} == {front_desk}


def test_what_somebody_may_not_view_is_not_told(client, django_user_model, session):
    booking.book(session, baker.make(Patient, national_id=""), by=None)
    reader = django_user_model.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_patient"))
    client.force_login(reader)
    assert {entry.what for entry in entries(client, Patient.objects.get())} == {"patient"}
    assert client.get(page("history", Appointment.objects.get())).status_code == 403


def test_one_persons_changes_can_be_asked_for(desk, lin, front_desk, administrator):
    change(lin, front_desk, phone="1")
    change(lin, administrator, phone="2")
    assert [told(entry)["Phone"] for entry in entries(desk, lin, f"?by={front_desk.pk}")] == [("0911111111", "1")]


@pytest.mark.parametrize("query", ["?p=0", "?p=x", "?p=-1", "?by=x", "?by=999999", "?p=99999999999999999999"])
def test_an_address_that_makes_no_sense_does_no_harm(desk, lin, query):
    assert desk.get(page("history", lin) + query).status_code == 200


def test_looking_at_it_is_noted(desk, lin):
    entries(desk, lin)
    assert AccessEvent.objects.filter(action=AccessEvent.Action.HISTORY, object_id=lin.pk).count() == 1


def test_a_long_history_has_pages_and_takes_no_more_queries(desk, lin, session):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            entries(desk, lin)
        return len(captured)

    appointment = booking.book(session, lin, by=None)
    change(lin, phone="0")
    change(appointment, notes="0")
    queries()  # content types are read once
    short = queries()
    assert short <= 20
    for number in range(1, 40):
        change(lin, phone=str(number))
        change(appointment, notes=str(number))
    assert queries() == short
    first, second = entries(desk, lin), entries(desk, lin, "?p=2")
    assert (len(first), len(second)) == (50, Patient.history.count() + Appointment.history.count() - 50)
    assert not {entry.version_url for entry in first} & {entry.version_url for entry in second}


# -- Going back -------------------------------------------------------------------------------------------------------


def go_back(client, row, version, reason="It was right before"):
    return client.post(page("simple_history", row, version.pk), {"reason": reason})


class Stock(SimpleHistoryAdmin):
    """The library's own, to show the hole."""


@pytest.mark.parametrize("is_ours", [False, True])
def test_who_may_only_view_changes_nothing_by_going_back(client, django_user_model, lin, rf, is_ours):
    """The library saves it; so this test sees that there is something to refuse."""
    change(lin, phone="0922222222")
    reader = django_user_model.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_patient"))
    sent = {"full_name": "Taken over", "date_of_birth": "1984-05-02", "sex": "female", "reason": "Because"}
    version = lin.history.earliest()
    if is_ours:
        client.force_login(reader)
        assert client.post(page("simple_history", lin, version.pk), sent).status_code == 403
    else:
        request = rf.post("/", sent)
        request.user, request._messages = reader, admin.site  # nothing is told here
        site = admin.AdminSite("stock")
        site.register(Patient, Stock)
        stock = site.get_model_admin(Patient)
        stock.response_change = lambda request, row: row
        stock.history_form_view(request, str(lin.pk), str(version.pk))
    lin.refresh_from_db()
    assert lin.full_name == ("Lin Mei-ling" if is_ours else "Taken over")


def test_going_back_takes_a_reason_and_is_history_too(desk, lin, front_desk):
    change(lin, phone="0922222222")
    version = lin.history.earliest()
    assert go_back(desk, lin, version, reason="").status_code == 200
    assert Patient.objects.get().phone == "0922222222"
    assert go_back(desk, lin, version).url == page("history", lin)
    assert Patient.objects.get().phone == "0911111111"
    newest = lin.history.latest()
    assert (newest.history_user, newest.history_change_reason) == (front_desk, "It was right before")


def test_the_national_id_goes_back_though_nobody_sees_it(desk, lin):
    change(lin, national_id="B123456780")
    go_back(desk, lin, lin.history.earliest())
    assert Patient.objects.get().national_id == "A123456789"


def test_a_version_that_breaks_a_rule_by_now_stays_where_it_is(desk, lin):
    change(lin, national_id="")
    baker.make(Patient, national_id="A123456789", full_name="Another")
    response = go_back(desk, lin, lin.history.earliest())
    assert "Another patient already has this national ID." in response.text
    lin.refresh_from_db()
    assert lin.national_id == ""


def test_a_hidden_record_is_restored_first(desk, lin, front_desk):
    change(lin, phone="0922222222")
    Patient.objects.all().hide(by=front_desk)
    assert go_back(desk, lin, lin.history.earliest()).status_code == 409
    lin.refresh_from_db()
    assert (lin.phone, lin.is_hidden) == ("0922222222", True)
    assert "Restore it first" in desk.get(page("simple_history", lin, lin.history.earliest().pk)).text


def test_a_version_of_another_record_is_not_there(desk, lin):
    other = baker.make(Patient, national_id="")
    assert desk.get(page("simple_history", lin, other.history.get().pk)).status_code == 404
    assert desk.get(page("simple_history", lin, "x")).status_code == 404


@pytest.mark.usefixtures("on_the_day")
def test_an_appointment_keeps_its_place_and_status(desk, front_desk, session, afternoon):
    cough = baker.make(Symptom, name="Cough")
    appointment = booking.book(session, baker.make(Patient, national_id=""), by=front_desk, notes="in pain")
    first = appointment.history.latest()
    booking.move(appointment, afternoon, by=front_desk)
    booking.check_in(appointment, by=front_desk)
    appointment.symptoms.add(cough)
    change(appointment, front_desk, notes="better")
    html = desk.get(page("simple_history", appointment, first.pk)).text
    assert "These stay as they are" in html
    go_back(desk, appointment, first)
    appointment.refresh_from_db()
    assert (appointment.notes, list(appointment.symptoms.all())) == ("in pain", [])
    assert (appointment.session, appointment.status) == (afternoon, Appointment.Status.CHECKED_IN)
    assert [row.booked for row in ClinicSession.objects.order_by("pk")] == [0, 1]


def test_a_session_keeps_its_counts(client, administrator, session):
    client.force_login(administrator)
    first = session.history.earliest()
    change(session, administrator, capacity=9)
    booking.book(session, baker.make(Patient, national_id=""), by=None)
    assert go_back(client, session, first).status_code == 302
    session.refresh_from_db()
    assert (session.capacity, session.booked, session.last_number) == (3, 1, 1)
