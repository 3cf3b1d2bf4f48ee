"""Why something was not booked, moved or called. Nothing is changed then; `str()` is what to tell the person."""
# ruff: noqa: N818  (an error is named for what happened: a session full, a patient already booked)

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.lazy import LazyText
from clinic.models import Appointment, ClinicSession


class BookingError(Exception):
    """Nothing was changed. `str()` of it is what to tell the person."""

    message = _("This cannot be done.")

    def __init__(self, message: LazyText = "") -> None:
        super().__init__(message or self.message)


class SessionFull(BookingError):
    message = _("This time is full. Please choose another one.")


class SessionClosed(BookingError):
    message = _("This time cannot be booked. Please choose another one.")


class AlreadyBooked(BookingError):
    message = _("There is already a booking for this person at this time. Its own link shows and changes it.")


class WrongStatus(BookingError):
    """The appointment is not in a status from which this can be done; somebody may have been first."""

    def __init__(self, appointment: Appointment) -> None:
        super().__init__(
            _("Number %(number)s is “%(status)s” now, so this cannot be done.")
            % {"number": appointment.queue_number, "status": appointment.get_status_display()}
        )


class AnotherDay(BookingError):
    """Of a day that is not today: somebody opened another session's page, or left one open over night."""

    def __init__(self, session: ClinicSession) -> None:
        told = {"session": session}
        if session.date > timezone.localdate():
            super().__init__(_("%(session)s is still to come: nobody can be here for it today.") % told)
        else:
            super().__init__(_("%(session)s is over. Open today's session.") % told)


class NobodyCalled(BookingError):
    message = _("Nobody is being called. Call the next number first.")
