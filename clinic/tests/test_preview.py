"""What the opening-hours page shows before anything is saved."""

import datetime

import pytest
from django.urls import reverse
from model_bakery import baker

from clinic import booking
from clinic.models import ClinicSession, Closure, OpeningHours, Patient

pytestmark = pytest.mark.django_db

PREVIEW = reverse("admin:clinic_openinghours_preview")


def typed(day: datetime.date, **values) -> dict:
    return {
        "weekday": day.weekday(),
        "period": "morning",
        "hours": "09:00-12:00",
        "capacity": 10,
        "is_open": "on",
    } | values


def changed(response) -> list[tuple]:
    """(day, what is offered then) of every slot that the preview marks."""
    return [(day.date, slot.offer) for day in response.context["days"] for slot in day.slots if slot.differs]


def losses(response) -> list[tuple]:
    return [(loss.session, len(loss.people)) for loss in response.context["losses"]]


def test_new_hours_show_on_every_such_weekday_and_are_not_saved(admin_client, tomorrow):
    response = admin_client.post(PREVIEW, typed(tomorrow))
    assert "09:00–12:00" in response.text
    assert [(day, offer.session.places_left) for day, offer in changed(response)] == [
        (tomorrow, 10),
        (tomorrow + datetime.timedelta(days=7), 10),
    ]
    assert not OpeningHours.objects.exists()
    assert not ClinicSession.objects.exists()


def test_changed_hours_take_the_place_of_the_saved_ones_and_name_whom_they_strand(admin_client, hours, session):
    for _person in range(3):
        booking.book(session, baker.make(Patient), by=None)
    row = next(row for row in hours if (row.weekday, row.period) == (session.date.weekday(), session.period))
    page = reverse("admin:clinic_openinghours_preview", args=[row.pk])
    fewer = admin_client.post(page, typed(session.date, capacity=1))
    assert losses(fewer) == [(session, 2)]
    closed = admin_client.post(page, typed(session.date, is_open=""))
    assert losses(closed) == [(session, 3)]
    assert {offer for _day, offer in changed(closed)} == {None}
    same = admin_client.post(page, typed(session.date, capacity=3))
    assert (changed(same), losses(same)) == ([], [])


def test_a_closure_is_previewed_with_its_reason(admin_client, hours, tomorrow):
    closure = {"starts_on": tomorrow, "ends_on": tomorrow, "period": "", "reason": "Typhoon"}
    response = admin_client.post(reverse("admin:clinic_closure_preview"), closure)
    assert [offer.closed_because for _day, offer in changed(response)] == ["Typhoon", "Typhoon"]
    assert not Closure.objects.exists()


def test_half_a_form_is_no_error_and_nonsense_says_what_to_write(admin_client, tomorrow):
    assert "Fill in the form" in admin_client.post(PREVIEW, typed(tomorrow, hours="")).text
    assert "like 09:00-12:00" in admin_client.post(PREVIEW, typed(tomorrow, hours="nine to noon")).text


def test_both_forms_ask_for_their_preview(admin_client, hours):
    change = reverse("admin:clinic_openinghours_change", args=[hours[0].pk])
    assert reverse("admin:clinic_openinghours_preview", args=[hours[0].pk]) in admin_client.get(change).text
    assert reverse("admin:clinic_closure_preview") in admin_client.get(reverse("admin:clinic_closure_add")).text


def test_who_may_not_change_the_hours_gets_no_preview(client, front_desk, tomorrow):
    client.force_login(front_desk)
    assert client.post(PREVIEW, typed(tomorrow)).status_code == 403
