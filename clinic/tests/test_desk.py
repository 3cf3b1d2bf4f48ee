"""The front desk's page of the running session."""

import datetime
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from model_bakery import baker

from clinic import booking
from clinic.models import Appointment, Patient
from clinic.tests.clinics import session_today

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
Status = Appointment.Status


@pytest.fixture
def session(db):
    return session_today()


@pytest.fixture
def visits(session) -> list[Appointment]:
    """Numbers 1, 2 and 3; the first two are here."""
    visits = [booking.book(session, baker.make(Patient, national_id=""), by=None) for _person in range(3)]
    for visit in visits[:2]:
        booking.check_in(visit, by=None)
    return visits


@pytest.fixture
def page(session) -> str:
    return reverse("admin:clinic_clinicsession_desk", args=[session.pk])


@pytest.fixture
def desk(client, front_desk):
    client.force_login(front_desk)
    return client


def press(client, page: str, step: str, visit: Appointment, seen: str | None = None) -> str:
    """Press a button that the page shows; returns what it says then."""
    response = client.post(page, {"do": f"{step}:{visit.pk}:{seen or status_of(visit)}"}, headers=HTMX)
    assert response.status_code == 200
    return response.context["said"]


def status_of(visit: Appointment) -> str:
    visit.refresh_from_db()
    return visit.status


def test_the_page_sorts_everybody_by_how_far_they_are(desk, page, visits):
    response = desk.get(page)
    shown = response.context["desk"]
    assert (shown.called, shown.here, shown.expected, shown.done) == ([], visits[:2], visits[2:], [])
    assert "Call next: number 1" in response.text
    for visit in visits:
        assert visit.patient.full_name in response.text


def test_one_press_takes_each_step_of_the_day(desk, page, session, visits, front_desk):
    first, second, third = visits
    assert press(desk, page, "check_in", third) == "Number 3 is here."
    assert press(desk, page, "call_next", first) == "Number 1 is called."
    assert press(desk, page, "recall", first) == "Number 1 is called again."
    assert press(desk, page, "done", first) == "Number 1 is done."
    press(desk, page, "call_next", second)
    assert press(desk, page, "skip", second) == "Number 2 was not here, and may still come."
    assert [status_of(visit) for visit in visits] == [Status.DONE, Status.BOOKED, Status.CALLED]
    assert press(desk, page, "no_show", second) == "Number 2 did not come."
    session.refresh_from_db()
    assert session.current_number == 3
    assert {row.history_user for row in second.history.exclude(history_user=None)} == {front_desk}


def test_every_button_on_the_page_does_what_it_says(desk, page, visits):
    booking.call_next(visits[0].session, by=None)
    booking.mark_no_show(visits[2], by=None)
    for button in re.findall(r'name="do" value="([^"]+)"', desk.get(page).text):
        for visit, status in zip(visits, [Status.CALLED, Status.CHECKED_IN, Status.NO_SHOW], strict=True):
            Appointment.objects.filter(pk=visit.pk).update(status=status)
        assert not desk.post(page, {"do": button}, headers=HTMX).context["is_refused"], button


def test_a_call_to_somebody_particular_goes_before_the_others(desk, page, session, visits):
    press(desk, page, "call", visits[1])
    session.refresh_from_db()
    assert (status_of(visits[1]), session.current_number) == (Status.CALLED, 2)


def test_two_called_at_once_are_each_called_again_and_skipped_by_themselves(desk, page, session, visits):
    press(desk, page, "call_next", visits[0])
    press(desk, page, "call_next", visits[1])
    press(desk, page, "recall", visits[0])
    session.refresh_from_db()
    assert session.current_number == 1
    press(desk, page, "skip", visits[1])
    assert [status_of(visit) for visit in visits[:2]] == [Status.CALLED, Status.BOOKED]


# -- Twice, and too late ----------------------------------------------------------------------------------------------


def test_calling_twice_by_mistake_calls_one(desk, page, visits):
    press(desk, page, "call_next", visits[0])
    assert "Number 1 is “called” now" in press(desk, page, "call_next", visits[0], seen=Status.CHECKED_IN)
    assert status_of(visits[1]) == Status.CHECKED_IN


def test_two_desks_that_see_the_same_next_number_call_two_people(desk, page, visits, administrator):
    booking.call(visits[0], by=administrator)
    assert press(desk, page, "call_next", visits[0], seen=Status.CHECKED_IN) == "Number 2 is called."


@pytest.mark.parametrize("step", ["check_in", "undo", "no_show", "done"])
def test_a_page_that_is_out_of_date_changes_nothing(desk, page, visits, step):
    booking.call_next(visits[0].session, by=None)
    assert "Number 1 is “called” now" in press(desk, page, step, visits[0], seen=Status.CHECKED_IN)
    assert status_of(visits[0]) == Status.CALLED


@pytest.mark.parametrize("button", ["", "done", "done:x:booked", "fly:1:booked", "done:999999999999999999999:called"])
def test_a_button_that_does_not_exist_is_refused_kindly(desk, page, visits, button):
    assert desk.post(page, {"do": button}, headers=HTMX).context["is_refused"]


def test_nobody_of_another_session_is_touched(desk, page, session):
    other = session_today(period="evening")
    stranger = booking.book(other, baker.make(Patient, national_id=""), by=None)
    assert "no longer in this session" in press(desk, page, "check_in", stranger)
    assert status_of(stranger) == Status.BOOKED


# -- Undo -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "back"),
    [
        (["check_in"], Status.BOOKED),
        (["no_show"], Status.BOOKED),
        (["check_in", "call"], Status.CHECKED_IN),
        (["check_in", "done"], Status.CHECKED_IN),
        (["check_in", "call", "done"], Status.CALLED),
    ],
)
def test_a_step_is_undone(desk, page, visits, steps, back):
    for step in steps:
        press(desk, page, step, visits[2])
    press(desk, page, "undo", visits[2])
    assert status_of(visits[2]) == back


def test_a_call_that_is_undone_leaves_the_board(desk, page, session, visits):
    press(desk, page, "call_next", visits[0])
    press(desk, page, "call_next", visits[1])
    press(desk, page, "undo", visits[1])
    session.refresh_from_db()
    assert session.current_number == 1
    press(desk, page, "undo", visits[0])
    session.refresh_from_db()
    assert session.current_number == 0


# -- Live -------------------------------------------------------------------------------------------------------------


def test_it_is_sent_again_only_when_something_has_changed(desk, page, visits, django_assert_max_num_queries):
    seen = {"seen": desk.get(page).context["desk"].version}
    with django_assert_max_num_queries(10):
        assert desk.get(page, seen, headers=HTMX).status_code == 204
    booking.check_in(visits[2], by=None)
    response = desk.get(page, seen, headers=HTMX)
    assert response.status_code == 200
    assert response.context["desk"].here == visits


@pytest.mark.parametrize("change", ["move", "hide", "rename", "close"])
def test_whatever_it_shows_it_notices(desk, page, session, visits, change, front_desk):
    seen = {"seen": desk.get(page).context["desk"].version}
    if change == "move":
        booking.move(visits[2], session_today(period="evening"), by=front_desk)
    elif change == "hide":
        Appointment.objects.filter(pk=visits[2].pk).hide(by=front_desk)
    elif change == "rename":
        visits[2].patient.full_name = "Lin Yu-Chun"
        visits[2].patient.save()
    else:
        session.is_open = False
        session.save()
    assert desk.get(page, seen, headers=HTMX).status_code == 200


def test_it_asks_as_little_for_many_people_as_for_few(desk, page, session, visits, django_assert_max_num_queries):
    desk.get(page)
    with CaptureQueriesContext(connection) as few:
        desk.get(page)
    for patient in baker.make(Patient, 20, national_id=""):
        booking.book(session, patient, by=None)
    with django_assert_max_num_queries(len(few)):
        desk.get(page)


# -- Walk-ins, and the way here ---------------------------------------------------------------------------------------


def test_a_walk_in_is_booked_and_here(desk, page, session, visits):
    patient = baker.make(Patient, full_name="Wu Shu-Fen", national_id="")
    response = desk.post(f"{page}walk-in/", {"patient": patient.pk}, follow=True)
    assert response.request["PATH_INFO"] == page
    assert "Wu Shu-Fen has number 4 and is here." in response.text
    assert Appointment.objects.get(patient=patient).status == Status.CHECKED_IN


def test_a_walk_in_without_a_place_may_be_taken_on_purpose(desk, page, session, visits):
    type(session).objects.update(capacity=3)
    patient = baker.make(Patient, national_id="")
    assert "This time is full" in desk.post(f"{page}walk-in/", {"patient": patient.pk}).text
    desk.post(f"{page}walk-in/", {"patient": patient.pk, "overbook": "on"})
    session.refresh_from_db()
    assert (session.booked, session.overbooked) == (4, 1)


@pytest.mark.parametrize(("days", "why"), [(-1, "is over"), (1, "is still to come")])
def test_a_walk_in_is_for_today(desk, session, days, why):
    session.date += datetime.timedelta(days=days)
    session.save()
    page = reverse("admin:clinic_clinicsession_desk", args=[session.pk])
    assert 'id="walk-in"' not in desk.get(page).text
    refused = desk.post(f"{page}walk-in/", {"patient": baker.make(Patient, national_id="").pk})
    assert f"A walk-in is for today, and {session} {why}" in refused.text
    assert not Appointment.objects.exists()


# -- Another day ------------------------------------------------------------------------------------------------------


@pytest.fixture
def yesterday(session, visits):
    """The visits' day is over: 1 is here, 2 was called, 3 is booked."""
    booking.call(visits[1], by=None)
    session.date -= datetime.timedelta(days=1)
    session.save()


@pytest.mark.usefixtures("yesterday")
def test_of_a_day_that_is_over_only_who_came_is_noted(desk, page, visits):
    buttons = {value.split(":")[0] for value in re.findall(r'name="do" value="([^"]+)"', desk.get(page).text)}
    assert buttons == {"done", "no_show", "undo"}
    for number, step in (0, "call"), (0, "call_next"), (1, "recall"), (1, "skip"), (2, "check_in"):
        assert "is over" in press(desk, page, step, visits[number])
    assert [status_of(visit) for visit in visits] == [Status.CHECKED_IN, Status.CALLED, Status.BOOKED]


@pytest.mark.usefixtures("yesterday")
def test_undoing_what_was_noted_afterwards_brings_nobody_here(desk, page, visits):
    before = [status_of(visit) for visit in visits]
    for visit in visits:
        press(desk, page, "done", visit)
        press(desk, page, "undo", visit)
    assert [status_of(visit) for visit in visits] == before


def test_without_scripts_a_press_comes_back_to_the_page(desk, page, visits):
    response = desk.post(page, {"do": f"check_in:{visits[2].pk}:booked"}, follow=True)
    assert response.request["PATH_INFO"] == page
    assert "Number 3 is here." in response.text


@pytest.mark.parametrize("place", ["admin:index", "admin:clinic_clinicsession_changelist"])
def test_the_desk_is_linked_for_those_who_may_open_it(client, front_desk, clinician, page, visits, place):
    client.force_login(front_desk)
    assert page in client.get(reverse(place)).text
    client.force_login(clinician)
    assert page not in client.get(reverse(place)).text


def test_clinicians_have_no_desk(client, clinician, page, visits):
    client.force_login(clinician)
    assert client.get(page).status_code == 403
    assert client.post(page, {"do": f"check_in:{visits[2].pk}:booked"}).status_code == 403
    assert status_of(visits[2]) == Status.BOOKED
