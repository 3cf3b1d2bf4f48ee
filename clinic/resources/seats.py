"""Who holds which number of which session, for the rows of an import that come with a number of their own."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db.models import Q

from backoffice.formats.kept import gettext as _
from clinic.booking.imported import Slot
from clinic.models import Appointment, ClinicSession


class Seats:
    """The sessions of some rows, with what is taken in them, in two queries.

    The rows name them by day and period, or by the `references` of appointments that are there.
    """

    def __init__(self, slots: Iterable[Slot], references: Iterable[str]) -> None:
        days = {day for day, _period in slots}
        holding = Appointment.objects.filter(reference__in=references).values("session")
        named = ClinicSession.objects.filter(Q(date__in=days) | Q(pk__in=holding))
        self._sessions = {(row.date, row.period): row for row in named}
        self._numbers: dict[tuple[int, int], str] = {}
        self._holders: dict[tuple[int, int], str] = {}
        self._last: dict[int, int] = {row.pk: row.last_number for row in self._sessions.values()}
        taken = Appointment.objects.filter(session__in=self._sessions.values())
        for appointment in taken.only("session", "queue_number", "patient", "reference", "status", "hidden_at"):
            self._note(appointment)

    def session(self, slot: Slot) -> ClinicSession:
        """The session of an appointment on record. Raises ValidationError where it is hidden."""
        session = self._sessions[slot]
        if session.is_hidden:
            raise ValidationError({"date": _("This session is hidden. Restore it in the list of sessions first.")})
        return session

    def next_number(self, session: ClinicSession) -> int:
        return self._last[session.pk] + 1

    def take(self, appointment: Appointment) -> None:
        """Raises ValidationError where the number, or the patient's one place, is another appointment's."""
        if self._is_others(self._numbers.get((appointment.session_id, appointment.queue_number)), appointment):
            raise ValidationError({"queue_number": _("Another appointment of this session has this number.")})
        holder = self._holders.get((appointment.session_id, appointment.patient_id))
        if appointment.is_active and self._is_others(holder, appointment):
            raise ValidationError({"date": _("This patient already has an appointment in this session.")})
        self._note(appointment)

    @staticmethod
    def _is_others(reference: str | None, appointment: Appointment) -> bool:
        return reference not in (None, appointment.reference)

    def _note(self, appointment: Appointment) -> None:
        session, number = appointment.session_id, appointment.queue_number
        self._numbers[session, number] = appointment.reference
        self._last[session] = max(self._last[session], number)
        held = (session, appointment.patient_id)
        if appointment.is_active:
            self._holders[held] = appointment.reference
        elif self._holders.get(held) == appointment.reference:
            del self._holders[held]
