"""Sessions, made where somebody wants one and kept in step with the opening hours and closures."""

import datetime
import logging

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils.translation import gettext_noop

from backoffice.records.changes import record
from clinic.booking.errors import SessionClosed
from clinic.hours.availability import Plan
from clinic.models import ClinicSession, OpeningHours

logger = logging.getLogger(__name__)

FOLLOWED = ("opens_at", "closes_at", "capacity", "is_open")  # what a session takes from the hours


def session_for(day: datetime.date, period: str) -> ClinicSession | None:
    """The session of that day and period, made where it is missing; None where the clinic does not offer it.

    It follows the opening hours and closures until it is `set_by_hand`.
    """
    planned = Plan(day, day).session(day, period)
    session = ClinicSession.objects.filter(date=day, period=period).first()
    if session is None:
        return _make(day, period) if planned and planned.is_open else None
    if session.is_hidden:
        return None
    return session if _is_in_step(session, planned) else _follow_anew(session)


@transaction.atomic
def _make(day: datetime.date, period: str) -> ClinicSession | None:
    hold_timetable()
    planned = Plan(day, day).session(day, period)  # whoever changed it meanwhile has looked for sessions already
    if planned is None or not planned.is_open:
        return None
    return ClinicSession.objects.get_or_create(date=day, period=period, defaults=_wanted(planned))[0]


@transaction.atomic
def _follow_anew(session: ClinicSession) -> ClinicSession:
    hold_timetable()
    session.refresh_from_db()
    return _follow(session, Plan(session.date, session.date).session(session.date, session.period))


def session_to_book(day: datetime.date, period: str) -> ClinicSession:
    """`session_for`, where there must be one. Raises SessionClosed."""
    session = session_for(day, period)
    if session is None:
        raise SessionClosed
    return session


def hold_timetable() -> None:
    """Until this transaction ends, nobody else changes hours or closures, nor makes a session by them.

    One row stands for all, and is there before there are any hours. It comes before any other lock: of the hours
    themselves, of appointments and of sessions.
    """
    opts = OpeningHours._meta
    kind = ContentType.objects.filter(app_label=opts.app_label, model=opts.model_name)
    kind.select_for_update(no_key=True).values_list("pk").get()


def hold(first: datetime.date) -> None:
    """Lock the sessions from that day on: whoever books, moves or cancels waits until this transaction ends."""
    sessions = ClinicSession.objects.filter(date__gte=first).order_by("pk")
    list(sessions.select_for_update(of=("self",), no_key=True).values_list("pk"))


def follow_hours(first: datetime.date) -> None:
    """Bring the sessions from that day on in step with changed hours or closures, with every booking kept.

    Where people have booked what is taken away, `settle` asks first.
    """
    sessions = list(ClinicSession.objects.visible().filter(date__gte=first).order_by("pk"))
    if not sessions:
        return
    plan = Plan(first, max(session.date for session in sessions))
    for session in sessions:
        _follow(session, plan.session(session.date, session.period))


def _wanted(planned: ClinicSession | None) -> dict:
    return {name: getattr(planned, name) for name in FOLLOWED} if planned else {"is_open": False}


def _is_in_step(session: ClinicSession, planned: ClinicSession | None) -> bool:
    """Or set by hand, and then it follows nothing."""
    return session.set_by_hand or all(getattr(session, name) == value for name, value in _wanted(planned).items())


@transaction.atomic
def _follow(session: ClinicSession, planned: ClinicSession | None) -> ClinicSession:
    if _is_in_step(session, planned):
        return session
    wanted = _wanted(planned)
    capacity = wanted.get("capacity", session.capacity)
    beyond = Greatest(F("overbooked"), F("booked") - capacity)
    # Somebody may be setting it by hand at this moment: then theirs stands.
    followed = ClinicSession.objects.filter(pk=session.pk, set_by_hand=False).update(**wanted, overbooked=beyond)
    session.refresh_from_db()
    if followed:
        record(session, None, gettext_noop("Follows the opening hours"))
    if session.booked > session.capacity:
        logger.warning("Session %s keeps %d bookings in %d places", session.slug, session.booked, session.capacity)
    return session
