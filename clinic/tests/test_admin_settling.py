"""Fewer or shorter opening times with people booked: they are listed first, by whichever door, and nothing is saved."""

import datetime

import pytest
from django.urls import reverse
from model_bakery import baker

from backoffice.models import Mail
from clinic import booking
from clinic.models import Appointment, ClinicSession, Closure, OpeningHours
from clinic.tests.clinics import session_today
from clinic.tests.deciding import booked, decided, proposals, ticked, told

pytestmark = pytest.mark.django_db

HOURS = reverse("admin:clinic_openinghours_changelist")
CLOSURES = reverse("admin:clinic_closure_changelist")
Status = Appointment.Status


@pytest.fixture
def row(session) -> OpeningHours:
    """The hours that tomorrow's morning follows: 09:00-12:00, three places."""
    return OpeningHours.objects.get(weekday=session.date.weekday(), period=session.period)


def page_of(record) -> str:
    return reverse(f"admin:clinic_{record._meta.model_name}_change", args=[record.pk])


def typed(row: OpeningHours, **values) -> dict:
    kept = {"weekday": row.weekday, "period": row.period, "hours": "09:00-12:00", "capacity": 3, "is_open": "on"}
    return {name: value for name, value in {**kept, **values}.items() if value is not None}


def by_hand(**values) -> dict:
    kept = {"hours": "09:00-12:00", "capacity": 3, "is_open": "on"}
    return {name: value for name, value in {**kept, **values}.items() if value is not None}


def hidden(*rows, **more) -> dict:
    return {"action": "hide", "_selected_action": [row.pk for row in rows], "confirm": "yes", "reason": "Less", **more}


def still_booked(session: ClinicSession) -> list[Appointment]:
    return list(session.appointments.active().order_by("queue_number"))


# -- Hours ------------------------------------------------------------------------------------------------------------


def test_hours_that_close_list_who_is_booked_and_then_move_them(admin_client, session, row):
    first, second = booked(session, 2)
    page = admin_client.post(page_of(row), typed(row, is_open=None))
    assert [first.patient.full_name in page.text, second.patient.full_name in page.text] == [True, True]
    session.refresh_from_db()
    row.refresh_from_db()
    assert (row.is_open, session.is_open, len(still_booked(session))) == (True, True, 2)
    response = admin_client.post(page_of(row), {**typed(row, is_open=None), **decided(ticked(page))})
    assert "2 people are moved." in told(response)
    session.refresh_from_db()
    assert (session.is_open, still_booked(session)) == (False, [])


def test_hours_of_another_weekday_are_a_session_less_on_this_one(admin_client, session, row):
    booked(session)
    OpeningHours.objects.filter(weekday=(row.weekday + 1) % 7).delete()
    page = admin_client.post(page_of(row), typed(row, weekday=(row.weekday + 1) % 7))
    assert len(proposals(page)) == 1
    row.refresh_from_db()
    assert row.weekday == session.date.weekday()


def test_who_was_booked_for_the_year_9999_by_a_slip_is_listed_and_proposed_nothing(admin_client, session):
    [visit] = booked(session)
    ClinicSession.objects.filter(pk=session.pk).update(date=datetime.date(9999, 12, 31), set_by_hand=True)
    page = admin_client.post(page_of(session), by_hand(is_open=None))
    assert proposals(page) == {visit.pk: booking.CANCEL}


def test_whoever_is_kept_where_nothing_more_is_offered_is_not_asked_about_again(admin_client, session, row):
    [visit] = booked(session)
    admin_client.post(page_of(row), {**typed(row, is_open=None), **decided({visit.pk: booking.KEEP})})
    session.refresh_from_db()
    assert (session.is_open, still_booked(session)) == (False, [visit])
    assert admin_client.post(page_of(row), typed(row, is_open=None, capacity=2)).status_code == 302


def test_hours_that_are_cut_list_everybody_and_tell_whoever_is_kept(admin_client, session, row):
    visit, _other = booked(session, 2)
    visit.patient.email = "lin@example.org"
    visit.patient.save()
    shorter = typed(row, hours="10:00-12:00")
    page = admin_client.post(page_of(row), shorter)
    assert "10:00-12:00 rather than 09:00-12:00" in page.text
    assert set(ticked(page).values()) == {booking.KEEP}
    assert not Mail.objects.exists()
    response = admin_client.post(page_of(row), {**shorter, **decided(ticked(page))})
    assert "2 bookings are kept." in told(response)
    [mail] = Mail.objects.all()
    assert "New hours" in mail.subject
    assert "10:00–12:00" in mail.body


def test_longer_hours_and_more_places_ask_nothing(admin_client, session, row):
    booked(session, 3)
    longer = typed(row, hours="08:00-13:00", capacity=5)
    assert admin_client.post(page_of(row), longer).status_code == 302


def test_fewer_places_list_the_last_and_keep_them_while_nobody_new_gets_in(admin_client, session, row):
    _first, second, third = booked(session, 3)
    page = admin_client.post(page_of(row), typed(row, capacity=1))
    assert "Booked: 3. Places then: 1." in page.text
    assert list(proposals(page)) == [second.pk, third.pk]
    admin_client.post(page_of(row), {**typed(row, capacity=1), **decided({second.pk: "keep", third.pk: "cancel"})})
    session.refresh_from_db()
    assert (session.capacity, session.booked, session.places_left) == (1, 2, 0)
    assert [visit.status for visit in (Appointment.objects.get(pk=third.pk), *still_booked(session))] == [
        Status.CANCELLED,
        Status.BOOKED,
        Status.BOOKED,
    ]


def test_what_staff_gave_beyond_capacity_is_not_asked_about_again(admin_client, session, row):
    booked(session, 3)
    booking.book(session, baker.make("clinic.Patient", national_id=""), by=None, overbook=True)
    assert admin_client.post(page_of(row), typed(row, hours="08:00-12:00")).status_code == 302


def test_whoever_booked_meanwhile_is_listed_too_and_nothing_is_done(admin_client, session, row):
    booked(session, 2)
    page = admin_client.post(page_of(row), typed(row, is_open=None))
    booked(session)
    page = admin_client.post(page_of(row), {**typed(row, is_open=None), **decided(ticked(page))})
    assert "Nothing has been done" in page.text
    assert [shown["is_new"] for shown in page.context["rows"]] == [False, False, True]
    session.refresh_from_db()
    assert (session.is_open, session.booked) == (True, 3)


def test_hiding_hours_asks_with_the_reason_kept(admin_client, session, row):
    booked(session)
    page = admin_client.post(HOURS, hidden(row))
    row.refresh_from_db()
    assert (len(proposals(page)), row.is_hidden) == (1, False)
    assert dict(page.context["typed"])["reason"] == "Less"
    admin_client.post(HOURS, hidden(row, **decided(ticked(page))))
    row.refresh_from_db()
    session.refresh_from_db()
    assert (row.hide_reason, session.is_open, still_booked(session)) == ("Less", False, [])


def test_going_back_to_a_version_with_fewer_places_asks(admin_client, session, row):
    version = row.history.create(
        **{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields} | {"capacity": 1},
        history_type="~",
        history_date=row.updated_at,
    )
    booked(session, 2)
    url = reverse("admin:clinic_openinghours_simple_history", args=[row.pk, version.pk])
    page = admin_client.post(url, {"reason": "As before"})
    row.refresh_from_db()
    assert (row.capacity, len(proposals(page))) == (3, 1)
    assert admin_client.post(url, {"reason": "As before", **decided(ticked(page))}).status_code == 302
    row.refresh_from_db()
    assert row.capacity == 1


def test_restoring_a_closure_asks_and_keeps_nobody(admin_client, session, tomorrow):
    closure = baker.make(Closure, starts_on=tomorrow, ends_on=tomorrow, period="", reason="Typhoon")
    Closure.objects.all().hide(by=None)
    [visit] = booked(session)
    restore = {"action": "restore", "_selected_action": [closure.pk]}
    page = admin_client.post(f"{CLOSURES}?hidden=yes", restore)
    closure.refresh_from_db()
    assert (list(proposals(page)), closure.is_hidden) == ([visit.pk], True)
    kept = admin_client.post(f"{CLOSURES}?hidden=yes", {**restore, **decided({visit.pk: booking.KEEP})})
    assert "Nobody can be kept" in kept.text
    admin_client.post(f"{CLOSURES}?hidden=yes", {**restore, **decided(ticked(page))})
    closure.refresh_from_db()
    session.refresh_from_db()
    assert (closure.is_hidden, session.is_open, still_booked(session)) == (False, False, [])


def test_a_closure_leaves_nobody_behind_who_was_kept_before(admin_client, session, row, tomorrow):
    [visit] = booked(session)
    admin_client.post(page_of(row), {**typed(row, is_open=None), **decided({visit.pk: booking.KEEP})})
    typhoon = {"starts_on": str(tomorrow), "ends_on": str(tomorrow), "period": "", "reason": "Typhoon"}
    page = admin_client.post(reverse("admin:clinic_closure_add"), typhoon)
    assert list(proposals(page)) == [visit.pk]
    assert not page.context["may_stay"]


# -- A session by hand ------------------------------------------------------------------------------------------------


def test_a_session_closed_by_hand_asks_first(admin_client, session):
    [visit] = booked(session)
    page = admin_client.post(page_of(session), by_hand(is_open=None))
    session.refresh_from_db()
    assert (list(proposals(page)), session.is_open, session.set_by_hand) == ([visit.pk], True, False)
    admin_client.post(page_of(session), {**by_hand(is_open=None), **decided(ticked(page))})
    session.refresh_from_db()
    assert (session.is_open, session.set_by_hand, still_booked(session)) == (False, True, [])


def test_a_sessions_fewer_places_ask_before_and_the_page_is_saved_with_its_history(
    admin_client, administrator, session
):
    booked(session, 3)
    page = admin_client.post(page_of(session), by_hand(hours="08:00-12:00", capacity=2))
    session.refresh_from_db()
    assert (len(proposals(page)), session.capacity, session.overbooked) == (1, 3, 0)
    admin_client.post(page_of(session), {**by_hand(hours="08:00-12:00", capacity=2), **decided(ticked(page))})
    session.refresh_from_db()
    assert (session.capacity, session.booked, session.overbooked, session.set_by_hand) == (2, 3, 1, True)
    assert session.opens_at == datetime.time(8)
    assert (session.history.first().capacity, session.history.first().history_user) == (2, administrator)


def test_a_place_proposed_is_never_in_the_session_that_is_left(admin_client, session):
    booked(session, 2)
    page = admin_client.post(page_of(session), by_hand(hours="10:00-12:00"))
    assert session.slug not in proposals(page).values()


@pytest.mark.usefixtures("on_the_day")
def test_whoever_has_been_is_not_asked_about(admin_client, session, front_desk):
    [visit] = booked(session)
    booking.check_in(visit, by=front_desk)
    booking.mark_done(visit, by=front_desk)
    assert admin_client.post(page_of(session), by_hand(capacity=0)).status_code == 302


def test_a_session_that_would_be_over_by_its_new_hours_asks_all_the_same(admin_client):
    session = session_today()
    booked(session)
    page = admin_client.post(page_of(session), by_hand(hours="00:00-00:01", capacity=50))
    assert len(proposals(page)) == 1


def test_the_front_desk_is_asked_as_an_administrator_is(client, front_desk, session):
    client.force_login(front_desk)
    booked(session)
    assert len(proposals(client.post(page_of(session), by_hand(is_open=None)))) == 1
