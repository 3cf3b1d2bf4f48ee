"""Sessions are made where somebody wants one, and follow the opening hours."""

import datetime

import pytest
from model_bakery import baker

from clinic import booking
from clinic.hours.availability import Offer, nearest, offered_days
from clinic.models import ClinicSession, Closure, OpeningHours, Patient, Period

pytestmark = pytest.mark.django_db


def test_it_is_made_once_with_the_hours_of_its_weekday(hours, tomorrow):
    session = booking.session_for(tomorrow, Period.MORNING)
    assert (session.opens_at, session.closes_at, session.capacity) == (datetime.time(9), datetime.time(12), 3)
    assert booking.session_for(tomorrow, Period.MORNING) == session
    assert ClinicSession.objects.count() == 1


def test_nothing_is_made_where_the_clinic_offers_nothing(hours, tomorrow):
    assert booking.session_for(tomorrow, Period.EVENING) is None
    baker.make(Closure, starts_on=tomorrow, ends_on=tomorrow)
    assert booking.session_for(tomorrow, Period.MORNING) is None
    assert not ClinicSession.objects.exists()


def test_it_follows_changed_hours_until_it_is_set_by_hand(session, tomorrow):
    OpeningHours.objects.update(capacity=8, opens_at=datetime.time(8))
    assert booking.session_for(tomorrow, Period.MORNING).capacity == 8
    ClinicSession.objects.update(set_by_hand=True)
    OpeningHours.objects.update(capacity=5)
    session = booking.session_for(tomorrow, Period.MORNING)
    assert (session.capacity, session.opens_at) == (8, datetime.time(8))


def test_fewer_places_than_bookings_keep_every_booking_and_say_so(session, tomorrow, caplog):
    for _place in range(3):
        booking.book(session, baker.make(Patient), by=None)
    OpeningHours.objects.update(capacity=1)
    booking.follow_hours(tomorrow)
    session.refresh_from_db()
    assert (session.capacity, session.booked, session.overbooked, session.places_left) == (1, 3, 2, 0)
    assert "keeps 3 bookings in 1 places" in caplog.text
    with pytest.raises(booking.SessionFull):
        booking.book(session, baker.make(Patient), by=None)


def test_a_closure_closes_its_sessions(session, afternoon, tomorrow):
    baker.make(Closure, starts_on=tomorrow, ends_on=tomorrow)
    booking.follow_hours(tomorrow)
    assert not ClinicSession.objects.filter(is_open=True).exists()


def test_the_offer_leaves_out_what_has_ended(hours, tomorrow):
    noon = datetime.datetime.combine(tomorrow, datetime.time(12, 30)).astimezone()
    days = offered_days(noon)
    assert [offer.session.period for offer in days[0].offers] == ["afternoon"]
    assert len(days) == 15


def test_the_offer_asks_as_little_for_many_days_as_for_one(hours, tomorrow, settings, django_assert_num_queries):
    for ahead in (0, 60):
        settings.BOOKING_DAYS_AHEAD = ahead
        with django_assert_num_queries(3):
            offered_days()


def test_what_is_offered_is_what_session_for_makes(hours, tomorrow):
    baker.make(Closure, starts_on=tomorrow, ends_on=tomorrow, period=Period.MORNING, reason="training")
    offers = {offer.session.slug: offer for day in offered_days() if day.date == tomorrow for offer in day.offers}
    closed, open_ = offers[f"{tomorrow}/morning"], offers[f"{tomorrow}/afternoon"]
    assert (closed.is_bookable, closed.closed_because) == (False, "training")
    made = booking.session_for(tomorrow, Period.AFTERNOON)
    assert (open_.session.capacity, open_.session.opens_at) == (made.capacity, made.opens_at)


def test_a_full_period_is_not_bookable_and_its_neighbours_are_nearest(session, hours, tomorrow):
    for _place in range(3):
        booking.book(session, baker.make(Patient), by=None)
    found = nearest(offered_days(), to=session, limit=1)
    assert [offer.session.slug for offer in found] == [f"{tomorrow}/afternoon"]
    assert not Offer(ClinicSession.objects.get()).is_bookable
