"""What a change of the hours or closures would do, before it is saved: the days as patients would see them."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from clinic.hours.availability import Day, Offer, last_day, offered_days
from clinic.models import Closure, OpeningHours, Period


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
