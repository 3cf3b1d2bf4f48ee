"""Sessions, made where somebody wants one and kept in step with the opening hours and closures."""

import datetime
import logging

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils.translation import gettext

from backoffice.records.changes import record
from clinic.booking.errors import SessionClosed
from clinic.hours.availability import Plan
from clinic.models import ClinicSession

logger = logging.getLogger(__name__)

FOLLOWED = ("opens_at", "closes_at", "capacity", "is_open")  # what a session takes from the hours


def session_for(day: datetime.date, period: str) -> ClinicSession | None:
    """The session of that day and period, made where it is missing; None where the clinic does not offer it.

    It follows the opening hours and closures until it is `set_by_hand`.
    """
    planned = Plan(day, day).session(day, period)
    session = ClinicSession.objects.filter(date=day, period=period).first()
    if session is None:
        if planned is None or not planned.is_open:
            return None
        wanted = {name: getattr(planned, name) for name in FOLLOWED}
        with transaction.atomic():
            session, _made = ClinicSession.objects.get_or_create(date=day, period=period, defaults=wanted)
        return session
    if session.is_hidden:
        return None
    return _follow(session, planned)


def session_to_book(day: datetime.date, period: str) -> ClinicSession:
    """`session_for`, where there must be one. Raises SessionClosed."""
    session = session_for(day, period)
    if session is None:
        raise SessionClosed
    return session


def follow_hours(first: datetime.date) -> list[ClinicSession]:
    """Bring the sessions from that day on in step with changed hours or closures.

    Every booking is kept. Returns the sessions which now have bookings that the hours no longer offer, so that
    somebody can move them.
    """
    sessions = list(ClinicSession.objects.visible().filter(date__gte=first).order_by("pk"))
    if not sessions:
        return []
    plan = Plan(first, max(session.date for session in sessions))
    followed = [_follow(session, plan.session(session.date, session.period)) for session in sessions]
    return [session for session in followed if session.booked > (session.capacity if session.is_open else 0)]


@transaction.atomic
def _follow(session: ClinicSession, planned: ClinicSession | None) -> ClinicSession:
    wanted = {name: getattr(planned, name) for name in FOLLOWED} if planned else {"is_open": False}
    if session.set_by_hand or all(getattr(session, name) == value for name, value in wanted.items()):
        return session
    capacity = wanted.get("capacity", session.capacity)
    beyond = Greatest(F("overbooked"), F("booked") - capacity)
    # Somebody may be setting it by hand at this moment: then theirs stands.
    followed = ClinicSession.objects.filter(pk=session.pk, set_by_hand=False).update(**wanted, overbooked=beyond)
    session.refresh_from_db()
    if followed:
        record(session, None, gettext("Follows the opening hours"))
    if session.booked > session.capacity:
        logger.warning("Session %s keeps %d bookings in %d places", session.slug, session.booked, session.capacity)
    return session
