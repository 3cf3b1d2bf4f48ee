"""What a change of the hours or closures would do, before it is saved: the days as patients would see them, and who
would be left without a place."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from clinic.hours.availability import Day, Offer, Plan, last_day, offered_days
from clinic.models import ClinicSession, Closure, OpeningHours, Period


@dataclass(frozen=True)
class Slot:
    """One period of one day; `differs` from what is offered now. No offer: nothing can be booked, nothing is said."""

    offer: Offer | None
    differs: bool


@dataclass(frozen=True)
class PreviewedDay:
    date: datetime.date
    slots: list[Slot]


def preview(unsaved: OpeningHours | Closure) -> list[PreviewedDay]:
    """Every day that patients could book, were this row saved."""
    now, then = _by_slot(offered_days()), _by_slot(offered_days(unsaved=unsaved))
    today = timezone.localdate()
    dates = [today + datetime.timedelta(days=ahead) for ahead in range((last_day(today) - today).days + 1)]
    return [PreviewedDay(date, [_slot(now, then, (date, period)) for period in Period.values]) for date in dates]


def _by_slot(days: Iterable[Day]) -> dict[tuple, Offer]:
    return {(day.date, offer.session.period): offer for day in days for offer in day.offers}


def _slot(now: dict, then: dict, key: tuple) -> Slot:
    return Slot(then.get(key), differs=_as_read(now.get(key)) != _as_read(then.get(key)))


def _as_read(offer: Offer | None) -> tuple:
    """What a patient reads of an offer."""
    if offer is None:
        return ()
    if not offer.session.is_open:
        return (offer.closed_because,)
    return offer.session.opens_at, offer.session.closes_at, offer.session.capacity


def stranded_by(unsaved: OpeningHours | Closure) -> list[tuple[ClinicSession, int]]:
    """(session, bookings without a place) where the row would take places away from people who have booked them."""
    today = timezone.localdate()
    booked = ClinicSession.objects.visible().filter(date__gte=today, set_by_hand=False, booked__gt=0)
    sessions = [session for session in booked.order_by("date", "opens_at") if not session.has_ended()]
    if not sessions:
        return []
    plan = Plan(today, sessions[-1].date, unsaved)
    left_over = ((session, session.booked - _places(plan, session)) for session in sessions)
    return [(session, people) for session, people in left_over if people > session.booked - _kept(session)]


def _places(plan: Plan, session: ClinicSession) -> int:
    planned = plan.session(session.date, session.period)
    return planned.capacity if planned and planned.is_open else 0


def _kept(session: ClinicSession) -> int:
    """How many of its bookings have a place as it stands: staff may have booked some beyond it, on purpose."""
    return min(session.booked, session.capacity if session.is_open else 0)
