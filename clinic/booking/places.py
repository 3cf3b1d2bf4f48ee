"""A place in a session, and the queue number that goes with it: see ClinicSessionQuerySet, which counts them."""

from backoffice.models import User
from clinic.booking.errors import AlreadyBooked, SessionClosed, SessionFull
from clinic.models import ClinicSession, Patient


def take_place(session: ClinicSession, patient: Patient, *, by: User | None, overbook: bool = False) -> int:
    """Count one more place as taken, and return the queue number that goes with it.

    The UPDATE holds the session's row until the transaction ends. Whoever books this session at the same time waits
    behind it and then counts anew, so what is read after it is still true when the appointment is written.

    Raises AlreadyBooked, SessionFull or SessionClosed.
    """
    taken = ClinicSession.objects.filter(pk=session.pk).take_place(overbook=overbook)
    if is_booked(patient, session):
        raise AlreadyBooked
    session.refresh_from_db()
    if not taken:
        raise SessionFull if session.is_open and not session.is_hidden else SessionClosed
    session.note_overbooking(by)
    return session.last_number


def is_booked(patient: Patient, session: ClinicSession) -> bool:
    """Whether the patient has a place in this session."""
    return session.appointments.active().filter(patient=patient).exists()
