"""The day itself: who is here, who is called, who came."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop

from backoffice.models import User
from backoffice.records.changes import record
from clinic.booking.bookings import book
from clinic.booking.errors import AnotherDay, NobodyCalled, WalkInForAnotherDay, WrongStatus
from clinic.booking.status import change_status
from clinic.models import Appointment, ClinicSession, Patient

Status = Appointment.Status
today = timezone.localdate


@transaction.atomic
def walk_in(session: ClinicSession, patient: Patient, *, by: User | None, overbook: bool = False) -> Appointment:
    """Book somebody who is here already. Raises WalkInForAnotherDay, or what `book` raises."""
    if session.date != today():
        raise WalkInForAnotherDay(session)
    appointment = book(session, patient, by=by, overbook=overbook)
    check_in(appointment, by=by)
    return appointment


def check_in(appointment: Appointment, *, by: User | None) -> None:
    """The patient is here, late or not. Raises WrongStatus or AnotherDay."""
    _refuse_another_day(appointment.session)
    _step(appointment, Status.CHECKED_IN, since=(Status.BOOKED, Status.NO_SHOW), by=by)


def mark_done(appointment: Appointment, *, by: User | None) -> None:
    """The visit is over; on another day than its own, also where nobody noted that the patient was here.

    Raises WrongStatus.
    """
    was_here = (Status.CHECKED_IN, Status.CALLED)
    is_past = appointment.session.date < today()
    _step(appointment, Status.DONE, since=(*was_here, Status.BOOKED) if is_past else was_here, by=by)


def mark_no_show(appointment: Appointment, *, by: User | None) -> None:
    """The patient did not come, and keeps the place. Raises WrongStatus, or AnotherDay before that day."""
    if appointment.session.date > today():
        raise AnotherDay(appointment.session)
    _step(appointment, Status.NO_SHOW, since=(Status.BOOKED, Status.CHECKED_IN, Status.CALLED), by=by)


def _refuse_another_day(session: ClinicSession) -> None:
    if session.date != today():
        raise AnotherDay(session)


@transaction.atomic
def _step(appointment: Appointment, status: str, *, since: Iterable[str], by: User | None) -> None:
    change_status(appointment, status, since=since)
    record(appointment, by, "")


@transaction.atomic
def call(appointment: Appointment, *, by: User | None) -> None:
    """Call one who is here. Raises AnotherDay, or WrongStatus, also where another desk was first."""
    _refuse_another_day(appointment.session)
    change_status(appointment, Status.CALLED, since=[Status.CHECKED_IN], called_at=timezone.now())
    ClinicSession.objects.filter(pk=appointment.session_id).update(current_number=appointment.queue_number)
    record(appointment, by, "")


def call_next(session: ClinicSession, *, by: User | None) -> Appointment | None:
    """Call the lowest number among those who are here; None where nobody waits. Raises AnotherDay."""
    _refuse_another_day(session)
    while (appointment := session.appointments.waiting().first()) is not None:
        try:
            call(appointment, by=by)
        except WrongStatus:
            continue  # another desk called this one first
        session.refresh_from_db()
        return appointment
    return None


@transaction.atomic
def recall(session: ClinicSession, *, by: User | None, appointment: Appointment | None = None) -> Appointment:
    """Call the same number once more: the appointment's, else the one being served.

    Raises NobodyCalled, WrongStatus or AnotherDay.
    """
    _refuse_another_day(session)
    appointment = appointment or _being_served(session)
    change_status(appointment, Status.CALLED, since=[Status.CALLED], called_at=timezone.now())
    ClinicSession.objects.filter(pk=session.pk).update(current_number=appointment.queue_number)
    record(appointment, by, gettext_noop("Called again"))
    return appointment


@transaction.atomic
def skip(session: ClinicSession, *, by: User | None, appointment: Appointment | None = None) -> Appointment | None:
    """The one being called is not here: expect them again, and call the next.

    They become `booked` with `called_at` kept, which the board shows as “was called and may still come”. Checking
    them in puts them back in the queue, with the same number. Raises NobodyCalled or WrongStatus.
    """
    appointment = appointment or _being_served(session)
    change_status(appointment, Status.BOOKED, since=[Status.CALLED])
    record(appointment, by, gettext_noop("Called, and not here"))
    return call_next(session, by=by)


def _being_served(session: ClinicSession) -> Appointment:
    called = session.appointments.visible().filter(status=Status.CALLED)
    appointment = called.filter(queue_number=F("session__current_number")).first()
    if appointment is None:
        raise NobodyCalled
    return appointment


@transaction.atomic
def step_back(appointment: Appointment, *, by: User | None) -> None:
    """Undo the last step at the desk. Raises WrongStatus where somebody else has changed it, or there is none."""
    was = appointment.status
    before: dict[str, str] = {
        Status.CHECKED_IN: Status.BOOKED,
        Status.CALLED: Status.CHECKED_IN,
        Status.NO_SHOW: Status.BOOKED,
    }
    if was == Status.DONE:
        before[was] = _before_it_was_done(appointment)
    if was not in before:
        raise WrongStatus(appointment)
    change_status(appointment, before[was], since=[was])
    if was == Status.CALLED:
        Appointment.objects.filter(pk=appointment.pk).update(called_at=None)
        _serve_whom_was_served_before(appointment)
    record(appointment, by, gettext_noop("Undone"))


def _before_it_was_done(appointment: Appointment) -> str:
    """Of a day that is over, somebody may have gone from booked to done: undone, they are not here today."""
    was = appointment.history.exclude(status=Status.DONE).values_list("status", flat=True).first()
    if was in Appointment.STILL_TO_COME:
        return was
    if appointment.session.date != today():
        return Status.BOOKED
    return Status.CALLED if appointment.called_at else Status.CHECKED_IN


def _serve_whom_was_served_before(appointment: Appointment) -> None:
    """A call taken back leaves the board, unless another has taken its place there."""
    called = Appointment.objects.visible().filter(session=appointment.session_id, called_at__isnull=False)
    last = called.exclude(pk=appointment.pk).order_by("-called_at").values_list("queue_number", flat=True).first()
    served = ClinicSession.objects.filter(pk=appointment.session_id, current_number=appointment.queue_number)
    served.update(current_number=last or 0)
