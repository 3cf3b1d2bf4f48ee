"""Where a patient stands in the queue on the day, as their own page shows it."""

from dataclasses import dataclass

from django.utils import timezone

from clinic.models import Appointment, ClinicSession
from clinic.public.live import stamp

Status = Appointment.Status


@dataclass(frozen=True)
class Turn:
    appointment: Appointment
    session: ClinicSession
    before: int  # who holds a lower number, and is here or may still come

    @property
    def is_now(self) -> bool:
        return self.appointment.status == Status.CALLED

    @property
    def is_here(self) -> bool:
        return self.appointment.status == Status.CHECKED_IN

    @property
    def has_passed(self) -> bool:
        """The queue has come to this number, and the patient has not checked in."""
        called = self.appointment.called_at is not None
        return not self.is_here and (called or self.session.current_number > self.appointment.queue_number)

    @property
    def stamp(self) -> str:
        """Of what the page shows."""
        return stamp(self.is_now, self.is_here, self.has_passed, self.session.current_number, self.before)


def turn(appointment: Appointment) -> Turn | None:
    """None where there is nothing to wait for: another day, or the visit or the session is over."""
    session, status = appointment.session, appointment.status
    waits = status in (Status.CHECKED_IN, Status.CALLED) or (status == Status.BOOKED and not session.has_ended())
    if session.date != timezone.localdate() or not waits:
        return None
    ahead = session.appointments.visible().filter(queue_number__lt=appointment.queue_number)
    to_come = ahead.filter(status=Status.BOOKED, called_at=None) | ahead.filter(status=Status.CHECKED_IN)
    return Turn(appointment, session, to_come.count())
