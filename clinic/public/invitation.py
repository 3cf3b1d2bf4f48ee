"""A booking as a calendar file (RFC 5545). A calendar is often shared: nothing medical, no name, no private link."""

import hashlib
from datetime import UTC, date, datetime, time

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from icalendar import Calendar, Event

from clinic.models import Appointment, ClinicSession


def for_calendar(appointment: Appointment) -> bytes:
    session = appointment.session
    event = Event()
    # Stays the same when the booking moves, so that the calendar moves its entry too; tells nobody the reference.
    event.add("uid", f"{hashlib.sha256(appointment.reference.encode()).hexdigest()[:32]}@collimator")
    event.add("dtstamp", timezone.now().astimezone(UTC))
    event.add("last-modified", appointment.updated_at.astimezone(UTC))
    event.add("dtstart", _at(session.date, session.opens_at))
    event.add("dtend", _at(session.date, session.closes_at))
    event.add("summary", _("%(clinic)s · number %(number)s") % _names(appointment))
    event.add("location", settings.CLINIC_NAME)
    is_cancelled = appointment.status == Appointment.Status.CANCELLED
    event.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
    # A calendar that has the entry takes another time, or takes it out, only where this has grown (RFC 5546, 2.1.4).
    event.add("sequence", _changes_of(appointment))
    calendar = Calendar()
    calendar.add("method", "CANCEL" if is_cancelled else "PUBLISH")
    calendar.add("prodid", "-//Collimator//Booking//EN")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    return calendar.to_ical()


def _changes_of(appointment: Appointment) -> int:
    """How often it, or the hours of a session that it is or was in, changed since it was booked: never fewer."""
    sessions = ClinicSession.history.filter(
        id__in=appointment.history.order_by().values("session_id"), history_date__gt=appointment.created_at
    )
    return appointment.history.count() - 1 + sessions.count()


def _names(appointment: Appointment) -> dict:
    return {"clinic": settings.CLINIC_NAME, "number": appointment.queue_number}


def _at(day: date, hour: time) -> datetime:
    """The clinic's wall clock as UTC, which every calendar understands without a table of time zones."""
    return timezone.make_aware(datetime.combine(day, hour), timezone.get_default_timezone()).astimezone(UTC)
