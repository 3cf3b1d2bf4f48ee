"""Hiding asks first, says what else it touches, and can be undone."""

from datetime import time

import pytest
from django.urls import reverse
from model_bakery import baker

from backoffice.models import Mail
from clinic import booking
from clinic.models import Appointment, Closure, OpeningHours, Patient
from clinic.tests.clinics import visit

pytestmark = pytest.mark.django_db

PATIENTS = "/admin/clinic/patient/"


@pytest.fixture
def desk(client, front_desk):
    client.force_login(front_desk)
    return client


def patient(**values) -> Patient:
    return baker.make(Patient, **{"full_name": "Lin Mei-ling", "national_id": "", "email": "", **values})


def ask_to_hide(client, row, page: str = PATIENTS, **more):
    return client.post(page, {"action": "hide", "_selected_action": row.pk, **more})


def hide(client, row, page: str = PATIENTS, **more):
    return ask_to_hide(client, row, page, confirm="yes", reason="Entered twice", **more)


def said(response) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def test_it_asks_before_anything_is_hidden(desk, session, front_desk):
    lin = patient()
    booking.book(session, lin, by=front_desk)
    page = ask_to_hide(desk, lin).text
    lin.refresh_from_db()
    assert not lin.is_hidden
    assert "Hide this patient?" in page
    assert "1 appointment" in page
    assert str(session) in page


def test_it_wants_a_reason(desk):
    lin = patient()
    assert ask_to_hide(desk, lin, confirm="yes", reason="  ").status_code == 200
    lin.refresh_from_db()
    assert not lin.is_hidden


@pytest.mark.parametrize(
    ("reason", "told"),
    [("\u200b\u200b", "Nothing can be seen of this text"), ("twice\a", r"cannot be printed (U+0007)")],
)
def test_it_wants_a_reason_that_can_be_read(desk, reason, told):
    lin = patient()
    assert told in ask_to_hide(desk, lin, confirm="yes", reason=reason).text
    lin.refresh_from_db()
    assert not lin.is_hidden


def test_a_reason_is_kept_as_it_is_seen(desk):
    lin = patient()
    ask_to_hide(desk, lin, confirm="yes", reason="entered\u200b  twice\u202e")
    lin.refresh_from_db()
    assert lin.hide_reason == "entered twice"


def test_it_keeps_who_when_and_why(desk, front_desk):
    lin = patient()
    assert hide(desk, lin).status_code == 302
    lin.refresh_from_db()
    assert (lin.hidden_by, lin.hide_reason) == (front_desk, "Entered twice")
    assert lin.history.latest().history_change_reason == "Entered twice"
    assert "Entered twice" in desk.get(f"{PATIENTS}{lin.pk}/change/").text


def test_a_reason_longer_than_histories_keep_is_kept_on_the_record(desk):
    lin = patient()
    ask_to_hide(desk, lin, confirm="yes", reason="w" * 200)
    lin.refresh_from_db()
    assert len(lin.hide_reason) == 200
    assert len(lin.history.latest().history_change_reason) == 100


def test_it_names_a_few_of_many_and_hides_them_all(desk):
    people = baker.make(Patient, 60, national_id="", email="")
    chosen = {"select_across": "1"}
    page = ask_to_hide(desk, people[0], **chosen).text
    assert "Hide 60 patients?" in page
    assert "and 40 more" in page
    assert page.count('name="_selected_action"') == 1
    hide(desk, people[0], **chosen)
    assert Patient.objects.visible().count() == 0


def test_it_hides_only_what_the_filter_showed(desk):
    woman, man = patient(sex="female"), patient(sex="male")
    hide(desk, woman, PATIENTS + "?sex=female", select_across="1")
    assert list(Patient.objects.visible()) == [man]


def test_a_clinician_may_not_hide_hours(client, clinician, hours):
    client.force_login(clinician)
    assert ask_to_hide(client, hours[0], "/admin/clinic/openinghours/", confirm="yes", reason="no").status_code == 403
    assert OpeningHours.objects.hidden().count() == 0


# -- From the record's page -------------------------------------------------------------------------------------------


def test_the_button_on_the_page_leads_back_to_it(desk):
    lin = patient()
    page = f"{PATIENTS}{lin.pk}/change/"
    assert 'form="hide-form"' in desk.get(page).text
    assert hide(desk, lin, PATIENTS + "?hidden=all", _from_page="yes").url == page
    hidden = desk.get(page).text
    assert "Hidden by frontdesk" in hidden
    assert 'form="hide-form"' not in hidden
    back = {"action": "restore", "_selected_action": lin.pk, "_from_page": "yes"}
    assert desk.post(PATIENTS + "?hidden=all", back).url == page
    lin.refresh_from_db()
    assert not lin.is_hidden


def test_a_record_that_is_hidden_already_is_left_alone(desk, administrator):
    lin = patient()
    Patient.objects.all().hide(by=administrator, reason="First")
    response = hide(desk, lin, PATIENTS + "?hidden=all")
    assert response.status_code == 302
    lin.refresh_from_db()
    assert lin.hide_reason == "First"


# -- What else it touches ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cancels", [True, False])
def test_hiding_a_patient_cancels_what_is_to_come_if_wanted_and_writes(desk, session, front_desk, cancels):
    lin = patient(email="lin@example.org")
    booked = booking.book(session, lin, by=front_desk)
    Mail.objects.all().delete()
    hide(desk, lin, **({"cancel_visits": "on"} if cancels else {}))
    booked.refresh_from_db()
    session.refresh_from_db()
    status = Appointment.Status.CANCELLED if cancels else Appointment.Status.BOOKED
    assert (booked.status, session.booked, Mail.objects.count()) == (status, not cancels, cancels)


def test_what_is_hidden_is_restored_before_it_is_changed(desk, administrator):
    lin = patient(phone="0911111111", national_id="A234567893")
    Patient.objects.filter(pk=lin.pk).hide(by=administrator, reason="Entered twice")
    url = reverse("admin:clinic_patient_change", args=[lin.pk])
    page = desk.get(url).text
    assert "Restore" in page
    assert 'name="_save"' not in page
    assert lin.national_id not in page
    assert desk.post(url, {"phone": "0922222222"}).status_code == 409
    lin.refresh_from_db()
    assert lin.phone == "0911111111"


def test_hiding_an_appointment_says_that_its_place_is_given_back(desk, session):
    booked = visit(session)
    page = "/admin/clinic/appointment/"
    assert "1 place is given back" in ask_to_hide(desk, booked, page).text
    hide(desk, booked, page)
    session.refresh_from_db()
    assert session.booked == 0


def test_a_session_with_appointments_stays(client, administrator, session):
    client.force_login(administrator)
    visit(session)
    page = hide(client, session, "/admin/clinic/clinicsession/").text
    session.refresh_from_db()
    assert not session.is_hidden
    assert "has 1 appointment: move it or hide it first" in page


def test_hiding_hours_names_who_is_booked_in_them(client, administrator, session):
    client.force_login(administrator)
    booking.book(session, patient(), by=None)
    [of_that_day] = OpeningHours.objects.filter(weekday=session.date.weekday(), period=session.period)
    assert (
        f"{session}: 1 booked person would have no hours"
        in ask_to_hide(client, of_that_day, "/admin/clinic/openinghours/").text
    )


def test_restoring_a_closure_closes_its_days_again(client, administrator, session, tomorrow):
    client.force_login(administrator)
    closure = baker.make(Closure, starts_on=tomorrow, ends_on=tomorrow, period="", reason="Typhoon")
    hide(client, closure, "/admin/clinic/closure/")
    client.post("/admin/clinic/closure/?hidden=yes", {"action": "restore", "_selected_action": closure.pk})
    session.refresh_from_db()
    assert not session.is_open


@pytest.mark.parametrize("both_hidden", [False, True])
def test_hours_that_overlap_by_now_are_not_restored(client, administrator, both_hidden):
    client.force_login(administrator)
    morning = baker.make(OpeningHours, weekday=0, period="morning", opens_at=time(9), closes_at=time(12))
    OpeningHours.objects.all().hide(by=None)
    afternoon = baker.make(OpeningHours, weekday=0, period="afternoon", opens_at=time(11), closes_at=time(15))
    if both_hidden:
        OpeningHours.objects.all().hide(by=None)
    restore = {"action": "restore", "_selected_action": [morning.pk, afternoon.pk]}
    page = client.post("/admin/clinic/openinghours/?hidden=all", restore, follow=True)
    assert "overlaps with Monday afternoon 11:00–15:00" in page.text
    morning.refresh_from_db()
    assert morning.is_hidden


# -- Restoring --------------------------------------------------------------------------------------------------------


def test_restoring_names_who_has_the_national_id_by_now(desk, administrator):
    lin = patient(national_id="A123456789")
    Patient.objects.all().hide(by=administrator)
    taken = patient(full_name="Lin Second", national_id="A123456789")
    response = desk.post(PATIENTS + "?hidden=yes", {"action": "restore", "_selected_action": lin.pk}, follow=True)
    assert "Lin Second" in said(response)
    assert reverse("admin:clinic_patient_change", args=[taken.pk]) in said(response)
    assert list(Patient.objects.hidden()) == [lin]


def test_two_that_want_the_same_place_are_restored_one_at_a_time(desk, administrator):
    for _ in range(2):
        patient(national_id="A123456789")
        Patient.objects.all().hide(by=administrator)
    both = list(Patient.objects.values_list("pk", flat=True))
    response = desk.post(PATIENTS + "?hidden=yes", {"action": "restore", "_selected_action": both}, follow=True)
    assert "one at a time" in said(response)
    assert Patient.objects.hidden().count() == 2


@pytest.mark.parametrize(
    ("chosen", "expected"), [("", ["seen"]), ("?hidden=yes", ["gone"]), ("?hidden=all", ["gone", "seen"])]
)
def test_the_filter_shows_visible_hidden_or_all(desk, administrator, chosen, expected):
    gone, seen = patient(full_name="gone"), patient(full_name="seen")
    Patient.objects.filter(pk=gone.pk).hide(by=administrator)
    listed = desk.get(PATIENTS + chosen).context["cl"].result_list
    assert sorted(str(row) for row in listed) == expected
    assert seen


# -- At the same moment -----------------------------------------------------------------------------------------------

BOOKED_BETWEEN_THE_LOOK_AND_THE_HIDING = """
import threading
from django.db import connection
from django.test import Client
from clinic.admin import ClinicSessionAdmin
from clinic.tests import rush

rush.offer_places(5)
session = rush.booking.session_to_book(rush.tomorrow(), rush.Period.MORNING)
booked = []

def book():
    try:
        booked.append(rush.book_one(1))
    except Exception as error:
        booked.append(type(error).__name__)
    finally:
        connection.close()

somebody = threading.Thread(target=book)
look = ClinicSessionAdmin.why_not_hide

def look_and_dawdle(self, request, queryset):
    obstacles = look(self, request, queryset)
    somebody.start()
    somebody.join(3)
    return obstacles

ClinicSessionAdmin.why_not_hide = look_and_dawdle
client = Client(SERVER_NAME="localhost")
client.force_login(rush.User.objects.create_superuser("root"))
hide = {"action": "hide", "_selected_action": session.pk, "confirm": "yes", "reason": "Made twice"}
client.post("/admin/clinic/clinicsession/", hide)
somebody.join()
session.refresh_from_db()
print(session.is_hidden, session.booked, *booked)
"""


@pytest.mark.slow
def test_nobody_is_booked_in_a_session_while_it_is_hidden(installation):
    last_line = installation.python(BOOKED_BETWEEN_THE_LOOK_AND_THE_HIDING).splitlines()[-1]
    assert last_line == "True 0 SessionClosed"
