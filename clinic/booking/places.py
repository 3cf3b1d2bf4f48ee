"""Places are counted by conditional UPDATEs, never by counting rows.

So the last place is not sold twice, whoever else is booking, on SQLite and PostgreSQL alike. Constraints in the
database stand behind it.
"""

from django.db.models import F
from django.db.models.functions import Greatest
from django.utils.translation import gettext

from backoffice.models import User
from clinic.booking.changes import record
from clinic.booking.errors import AlreadyBooked, SessionClosed, SessionFull
from clinic.models import ClinicSession, Patient


def take_place(session: ClinicSession, patient: Patient, *, by: User | None, overbook: bool = False) -> int:
    """Count one more place as taken, and return the queue number that goes with it.

    The UPDATE holds the session's row until the transaction ends. Whoever books this session at the same time waits
    behind it and then counts anew, so what is read after it is still true when the appointment is written.

    Raises AlreadyBooked, SessionFull or SessionClosed.
    """
    here = ClinicSession.objects.visible().filter(pk=session.pk, is_open=True)
    if not overbook:
        here = here.filter(booked__lt=F("capacity"))
    taken = here.update(booked=F("booked") + 1, last_number=F("last_number") + 1, overbooked=_granted(1))
    if is_booked(patient, session):
        raise AlreadyBooked
    session.refresh_from_db()
    if not taken:
        raise SessionFull if session.is_open and not session.is_hidden else SessionClosed
    _say_where_beyond(session, by)
    return session.last_number


def is_booked(patient: Patient, session: ClinicSession) -> bool:
    """Whether the patient has a place in this session."""
    return session.appointments.active().filter(patient=patient).exists()


def take_back(session: ClinicSession, places: int, *, by: User | None) -> None:
    """Count places as taken again, beyond capacity where they were given away meanwhile."""
    here = ClinicSession.objects.filter(pk=session.pk)
    here.update(booked=F("booked") + places, overbooked=_granted(places))
    session.refresh_from_db()
    _say_where_beyond(session, by)


def free(session_id: int, places: int = 1) -> None:
    ClinicSession.objects.filter(pk=session_id).update(booked=F("booked") - places)


def _granted(places: int) -> Greatest:
    """What is beyond capacity with so many more booked; it stays granted when bookings go."""
    return Greatest(F("overbooked"), F("booked") + places - F("capacity"))


def _say_where_beyond(session: ClinicSession, by: User | None) -> None:
    if session.booked > session.capacity:
        record(session, by, gettext("Booked beyond capacity"))
