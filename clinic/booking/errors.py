"""Why something was not booked, moved or called. Nothing is changed then; `str()` is what to tell the person."""
# ruff: noqa: N818  (an error is named for what happened: a session full, a patient already booked)

from collections.abc import Collection

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.formats.lists import listed, quoted
from backoffice.lazy import LazyText
from backoffice.models import User
from clinic.models import Appointment, ClinicSession, Question


class BookingError(Exception):
    """Nothing was changed. `str()` of it is what to tell the person."""

    message = _("This cannot be done.")

    def __init__(self, message: LazyText = "") -> None:
        super().__init__(message or self.message)

    def for_staff(self, by: User) -> str:
        """The same for who works here, and may know who was first."""
        return str(self)


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
        self.appointment = appointment

    def for_staff(self, by: User) -> str:
        last = self.appointment.history.select_related("history_user").latest()
        if last.history_user in (None, by):
            return str(self)
        told = {"number": self.appointment.queue_number, "status": self.appointment.get_status_display()}
        return _("%(who)s was first: number %(number)s is “%(status)s” now.") % {"who": last.history_user, **told}


class AnotherDay(BookingError):
    """Of a day that is not today: somebody opened another session's page, or left one open over night."""

    def __init__(self, session: ClinicSession) -> None:
        told = {"session": session}
        if session.date > timezone.localdate():
            super().__init__(_("%(session)s is still to come: nobody can be here for it today.") % told)
        else:
            super().__init__(_("%(session)s is over. Open today's session.") % told)


class WalkInForAnotherDay(BookingError):
    """Somebody stands at the desk today, and the page is another day's."""

    def __init__(self, session: ClinicSession) -> None:
        told = {"session": session}
        if session.date > timezone.localdate():
            super().__init__(
                _("A walk-in is for today, and %(session)s is still to come. Book it in the list of appointments.")
                % told
            )
        else:
            super().__init__(_("A walk-in is for today, and %(session)s is over. Open today's session.") % told)


class AlreadyAnswered(BookingError):
    """Somebody else has written down an answer to one of these questions since the page was shown."""

    def __init__(self, questions: Collection[Question]) -> None:
        self.questions = questions
        told = {"questions": listed(map(quoted, questions))}
        super().__init__(
            _("Answered meanwhile by somebody else: %(questions)s. Nothing was written yet; save the rest once more.")
            % told
        )


class NobodyCalled(BookingError):
    message = _("Nobody is being called. Call the next number first.")
