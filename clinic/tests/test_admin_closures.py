"""Closing days on which people are booked: everybody is moved or cancelled, all together or nobody."""

import datetime

import pytest
from django.urls import reverse
from model_bakery import baker

from backoffice.models import Mail
from clinic import booking
from clinic.models import Appointment, ClinicSession, Closure, Patient
from clinic.tests.deciding import booked, decided, proposals, told

pytestmark = pytest.mark.django_db

ADD = reverse("admin:clinic_closure_add")
Status = Appointment.Status


@pytest.fixture
def typhoon(tomorrow) -> dict:
    """What is typed to close the whole of tomorrow."""
    return {"starts_on": str(tomorrow), "ends_on": str(tomorrow), "period": "", "reason": "Typhoon"}


def test_closing_a_day_that_nobody_booked_is_just_saved(admin_client, session, typhoon):
    assert admin_client.post(ADD, typhoon).status_code == 302
    session.refresh_from_db()
    assert not session.is_open


def test_who_is_booked_is_listed_first_and_nothing_is_done(admin_client, session, afternoon, typhoon):
    [early], [late] = booked(session), booked(afternoon)
    page = admin_client.post(ADD, typhoon)
    assert list(proposals(page)) == [early.pk, late.pk]
    assert early.patient.full_name in page.text
    assert not Closure.objects.exists()
    session.refresh_from_db()
    assert session.is_open
    assert set(Appointment.objects.values_list("status", flat=True)) == {Status.BOOKED}


def test_confirmed_everybody_is_moved_to_the_next_places_or_cancelled(admin_client, session, tomorrow, typhoon):
    first, second, third = booked(session, 3)
    next_day = tomorrow + datetime.timedelta(days=1)
    booked(booking.session_for(next_day, "morning"), 2)  # one place left there
    choices = proposals(admin_client.post(ADD, typhoon))
    assert list(choices.values()) == [f"{next_day}/morning", f"{next_day}/afternoon", f"{next_day}/afternoon"]
    response = admin_client.post(ADD, {**typhoon, **decided({**choices, third.pk: booking.CANCEL})})
    assert response.status_code == 302
    assert "2 people are moved. 1 booking is cancelled." in told(response)
    for appointment, slug in (first, f"{next_day}/morning"), (second, f"{next_day}/afternoon"):
        appointment.refresh_from_db()
        assert (appointment.session.slug, appointment.status) == (slug, Status.BOOKED)
    third.refresh_from_db()
    session.refresh_from_db()
    assert (third.status, session.booked, session.is_open) == (Status.CANCELLED, 0, False)
    assert third.history.first().history_change_reason == "Typhoon"


def test_somebody_who_booked_meanwhile_is_not_lost(admin_client, administrator, session, typhoon):
    [early] = booked(session)
    choices = proposals(admin_client.post(ADD, typhoon))
    [late] = booked(session)
    page = admin_client.post(ADD, {**typhoon, **decided(choices)})
    assert "Nothing has been done" in page.text
    assert [row["is_new"] for row in page.context["rows"]] == [False, True]
    early.refresh_from_db()
    assert early.session == session
    assert not Closure.objects.exists()
    assert admin_client.post(ADD, {**typhoon, **decided(proposals(page))}).status_code == 302
    assert late.history.first().history_user == administrator


def test_a_place_that_is_gone_meanwhile_leaves_everybody_where_they_were(admin_client, session, afternoon, typhoon):
    first, second = booked(session, 2)
    choices = proposals(admin_client.post(ADD, {**typhoon, "period": "morning"}))
    assert set(choices.values()) == {afternoon.slug}
    booked(afternoon, 2)  # one place left, of the two that were proposed
    page = admin_client.post(ADD, {**typhoon, "period": "morning", **decided(choices)})
    assert "This time is full" in page.text
    assert proposals(page)[first.pk] == afternoon.slug
    assert proposals(page)[second.pk] != afternoon.slug
    first.refresh_from_db()
    afternoon.refresh_from_db()
    assert (first.session, afternoon.booked) == (session, 2)


@pytest.mark.usefixtures("on_the_day")
def test_who_has_been_or_cancelled_is_left_alone(admin_client, session, typhoon, front_desk):
    done, gone = booked(session, 2)
    booking.check_in(done, by=front_desk)
    booking.mark_done(done, by=front_desk)
    booking.cancel(gone, by=None)
    assert admin_client.post(ADD, typhoon).status_code == 302
    done.refresh_from_db()
    assert done.status == Status.DONE


def test_nobody_is_moved_to_where_they_are_booked_already(admin_client, session, afternoon, typhoon):
    [appointment] = booked(session)
    booking.book(afternoon, appointment.patient, by=None)
    [slug] = proposals(admin_client.post(ADD, {**typhoon, "period": "morning"})).values()
    assert slug not in (session.slug, afternoon.slug)


def test_everybody_gets_one_mail_and_nobody_before_it_is_confirmed(admin_client, session, typhoon):
    for person in ("one", "two"):
        patient = baker.make(Patient, national_id="", email=f"{person}@example.org")
        booking.book(session, patient, by=None)
    Mail.objects.all().delete()
    choices = proposals(admin_client.post(ADD, typhoon))
    assert not Mail.objects.exists()
    first, _second = choices
    admin_client.post(ADD, {**typhoon, **decided({**choices, first: booking.CANCEL})})
    [cancelled, moved] = Mail.objects.order_by("to")
    assert "Cancelled" in cancelled.subject
    assert "Moved" in moved.subject
    assert "http://127.0.0.1:8000/bookings/" in moved.body


def test_a_day_that_was_opened_by_hand_stays_open(admin_client, session, typhoon):
    ClinicSession.objects.filter(pk=session.pk).update(set_by_hand=True)
    booked(session)
    assert admin_client.post(ADD, typhoon).status_code == 302
    session.refresh_from_db()
    assert (session.is_open, session.booked) == (True, 1)


def test_changing_a_closure_asks_too(admin_client, session, tomorrow, typhoon):
    [appointment] = booked(session)
    later = str(tomorrow + datetime.timedelta(days=30))
    admin_client.post(ADD, {**typhoon, "starts_on": later, "ends_on": later})
    change = reverse("admin:clinic_closure_change", args=[Closure.objects.get().pk])
    page = admin_client.post(change, typhoon)
    assert Closure.objects.get().starts_on > tomorrow
    assert admin_client.post(change, {**typhoon, **decided(proposals(page))}).status_code == 302
    appointment.refresh_from_db()
    assert (Closure.objects.get().starts_on, appointment.session.date > tomorrow) == (tomorrow, True)


def test_going_back_to_a_version_that_hits_people_asks_too(admin_client, session, tomorrow, typhoon):
    admin_client.post(ADD, typhoon)
    closure = Closure.objects.get()
    later = str(tomorrow + datetime.timedelta(days=30))
    change = reverse("admin:clinic_closure_change", args=[closure.pk])
    admin_client.post(change, {**typhoon, "starts_on": later, "ends_on": later})
    session.refresh_from_db()
    [appointment] = booked(session)
    version = reverse("admin:clinic_closure_simple_history", args=[closure.pk, closure.history.earliest().pk])
    page = admin_client.post(version, typhoon)
    closure.refresh_from_db()
    assert str(closure.starts_on) == later
    assert admin_client.post(version, {**typhoon, **decided(proposals(page))}).status_code == 302
    appointment.refresh_from_db()
    assert appointment.session.date > tomorrow


@pytest.mark.parametrize("decision", ["", "nonsense", "2026-99-99/morning", "1999-01-01/morning"])
def test_a_decision_that_makes_no_sense_is_asked_again(admin_client, session, typhoon, decision):
    [appointment] = booked(session)
    page = admin_client.post(ADD, {**typhoon, **decided({appointment.pk: decision})})
    assert page.status_code == 200
    assert not Closure.objects.exists()
