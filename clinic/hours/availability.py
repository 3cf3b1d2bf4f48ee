"""What can be booked: days, their periods, and the places left. Reads only; booking acts on it."""

import datetime
from dataclasses import dataclass

from django.conf import settings
from django.db import models
from django.utils import timezone

from clinic.models import ClinicSession, Closure, OpeningHours, Period


class Plan:
    """The opening hours and closures of a range of days, read once: two queries however many days.

    `unsaved` is a row of either, taken as if it were saved: what the plan would be.
    """

    def __init__(
        self, first: datetime.date, last: datetime.date, unsaved: OpeningHours | Closure | None = None
    ) -> None:
        hours = _with(unsaved, OpeningHours.objects.visible())
        self._hours = {(row.weekday, row.period): row for row in hours if row.is_open}
        self._closures = _with(unsaved, Closure.objects.between(first, last))

    def closure(self, day: datetime.date, period: str) -> Closure | None:
        return next((closure for closure in self._closures if closure.covers(day, period)), None)

    def session(self, day: datetime.date, period: str) -> ClinicSession | None:
        """The session as the hours want it, not saved. None where they offer nothing in that period."""
        hours = self._hours.get((day.weekday(), period))
        return hours and ClinicSession(
            date=day,
            period=period,
            opens_at=hours.opens_at,
            closes_at=hours.closes_at,
            capacity=hours.capacity,
            is_open=self.closure(day, period) is None,
        )


def _with(unsaved: models.Model | None, rows: models.QuerySet) -> list:
    if not isinstance(unsaved, rows.model):
        return list(rows)
    return [*rows.exclude(pk=unsaved.pk), unsaved]


@dataclass(frozen=True)
class Offer:
    """A session that a patient sees: one to book, a full one, or a closed one with the reason."""

    session: ClinicSession
    closed_because: str = ""

    @property
    def is_bookable(self) -> bool:
        return self.session.places_left > 0

    @property
    def is_nearly_full(self) -> bool:
        return self.session.places_left <= max(3, self.session.capacity // 10)


@dataclass(frozen=True)
class Day:
    date: datetime.date
    offers: list[Offer]

    @property
    def closed_because(self) -> str:
        """The reason, where one closure takes the whole day."""
        reasons = {offer.closed_because for offer in self.offers}
        return reasons.pop() if len(reasons) == 1 else ""


def last_day(first: datetime.date) -> datetime.date:
    """How far ahead patients can book on that day."""
    return first + datetime.timedelta(days=settings.BOOKING_DAYS_AHEAD)


def offered_days(
    now: datetime.datetime | None = None,
    leave_out: ClinicSession | None = None,
    last: datetime.date | None = None,
    unsaved: OpeningHours | Closure | None = None,
) -> list[Day]:
    """The days from today to `last` that offer anything, without what has ended. Three queries.

    `leave_out` is the session that somebody has already and wants to change for another; `last` is as far ahead as
    patients can book where it is not given; with `unsaved`, it is what would be offered if that row were saved.
    """
    now = timezone.localtime(now)
    first, last = now.date(), last or last_day(now.date())
    plan = Plan(first, last, unsaved)
    kept = {(row.date, row.period): row for row in ClinicSession.objects.filter(date__range=(first, last))}
    days = []
    for ahead in range((last - first).days + 1):
        date = first + datetime.timedelta(days=ahead)
        made = [_offer(plan, kept.get((date, period)), date, period) for period in Period.values]
        offers = [offer for offer in made if offer and not offer.session.has_ended(now)]
        if leave_out and leave_out.date == date:
            offers = [offer for offer in offers if offer.session.period != leave_out.period]
        if offers:
            days.append(Day(date, offers))
    return days


def _offer(plan: Plan, kept: ClinicSession | None, date: datetime.date, period: str) -> Offer | None:
    if kept and kept.is_hidden:
        return None
    if kept and kept.set_by_hand:
        return Offer(kept)
    session = plan.session(date, period)
    if session is None:
        return None
    session.booked = kept.booked if kept else 0
    closure = plan.closure(date, period)
    return Offer(session, closure.shown_reason if closure else "")


def running_now(days: list[Day], now: datetime.datetime | None = None) -> ClinicSession | None:
    """The session during which the clinic is open at this moment."""
    sessions = (offer.session for day in days for offer in day.offers)
    return next((session for session in sessions if session.is_open and session.is_running(now)), None)


def nearest(days: list[Day], to: ClinicSession, limit: int = 3) -> list[Offer]:
    """The bookable offers closest in time to a session that is gone."""

    def distance(offer: Offer) -> tuple[int, int]:
        order = Period.values.index
        return abs((offer.session.date - to.date).days), abs(order(offer.session.period) - order(to.period))

    return sorted((offer for day in days for offer in day.offers if offer.is_bookable), key=distance)[:limit]
