"""The only place that books, cancels, moves, calls and hides appointments.

Places are counted by conditional UPDATEs, never by counting rows, so that the last place is not sold twice whoever
else is booking; constraints in the database stand behind them. Transactions touch appointments before sessions and
both in the order of their keys, so that two of them never wait for each other.

`by` is the user who acts, None for the public. After its UPDATE each function saves the row once: history and whoever
listens to signals then see the change as they see any other.
"""
# ruff: noqa: N818  (an error is named for what happened: a session full, a patient already booked)

import datetime
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.utils import bulk_create_with_history

from backoffice.models import User
from clinic.models import (
    Appointment,
    AppointmentQuerySet,
    ClinicSession,
    LikertAnswer,
    LikertQuestion,
    NumericAnswer,
    NumericQuestion,
    Patient,
    Symptom,
    new_reference,
)
from clinic.offer import Plan

logger = logging.getLogger(__name__)

Status, Source = Appointment.Status, Appointment.Source

STILL_TO_COME = (Status.BOOKED, Status.CHECKED_IN, Status.CALLED)
FOLLOWED = ("opens_at", "closes_at", "capacity", "is_open")  # what a session takes from the hours
IDENTITY = ("full_name", "date_of_birth")
REASON_LENGTH = 100  # of simple-history's column


class BookingError(Exception):
    """Nothing was changed. `str()` of it is what to tell the person."""

    message = _("This cannot be done.")

    def __init__(self, message: str = ""):
        super().__init__(message or self.message)


class SessionFull(BookingError):
    message = _("This time is full. Please choose another one.")


class SessionClosed(BookingError):
    message = _("This time cannot be booked. Please choose another one.")


class AlreadyBooked(BookingError):
    message = _("There is already a booking for this person at this time. Its own link shows and changes it.")


class WrongStatus(BookingError):
    """The appointment is not in a status from which this can be done; somebody may have been first."""

    def __init__(self, appointment: Appointment):
        super().__init__(
            _("Number %(number)s is “%(status)s” now, so this cannot be done.")
            % {"number": appointment.queue_number, "status": appointment.get_status_display()}
        )


class NobodyCalled(BookingError):
    message = _("Nobody is being called. Call the next number first.")


# -- Sessions ---------------------------------------------------------------------------------------------------------


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
        _record(session, None, gettext("Follows the opening hours"))
    if session.booked > session.capacity:
        logger.warning("Session %s keeps %d bookings in %d places", session.slug, session.booked, session.capacity)
    return session


# -- Booking ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def book(
    session: ClinicSession,
    patient: Patient,
    *,
    by: User | None,
    symptoms: Iterable[Symptom] = (),
    likert: Mapping[LikertQuestion, int] | None = None,
    numeric: Mapping[NumericQuestion, Decimal] | None = None,
    source: str = Source.STAFF,
    notes: str = "",
    overbook: bool = False,
    claimed: Mapping[str, str] | None = None,
    reference: str = "",
) -> Appointment:
    """Take a place and a queue number, and keep the answers.

    `overbook` takes a place beyond the session's capacity, on purpose. `claimed` is what was given with the booking
    and differs from the patient's file; a name or a date of birth in it marks the identity for checking. `reference`
    is one that `new_reference` made before, so that one booking sent twice can be recognised.

    Raises SessionFull, SessionClosed or AlreadyBooked.
    """
    claimed = dict(claimed or {})
    appointment = Appointment(
        patient=patient,
        session=session,
        queue_number=_take_place(session, patient, by=by, overbook=overbook),
        source=source,
        notes=notes,
        reference=reference or new_reference(),
        claimed=claimed,
        identity_conflict=any(name in claimed for name in IDENTITY),
    )
    appointment._history_user = by
    appointment.save()
    if symptoms:
        appointment.symptoms.set(symptoms)
    _keep_answers(LikertAnswer, "score", appointment, likert or {}, by)
    _keep_answers(NumericAnswer, "value", appointment, numeric or {}, by)
    return appointment


def _take_place(session: ClinicSession, patient: Patient, *, by: User | None, overbook: bool = False) -> int:
    """Count one more place as taken, and return the queue number that goes with it.

    The UPDATE holds the session's row until the transaction ends. Whoever books this session at the same time waits
    behind it and then counts anew, so what is read after it is still true when the appointment is written.
    """
    here = ClinicSession.objects.visible().filter(pk=session.pk, is_open=True)
    if overbook:
        granted = Greatest(F("overbooked"), F("booked") + 1 - F("capacity"))
        taken = here.update(booked=F("booked") + 1, last_number=F("last_number") + 1, overbooked=granted)
    else:
        taken = here.filter(booked__lt=F("capacity")).update(booked=F("booked") + 1, last_number=F("last_number") + 1)
    if session.appointments.active().filter(patient=patient).exists():
        raise AlreadyBooked
    before = session.overbooked
    session.refresh_from_db()
    if not taken:
        raise SessionFull if session.is_open and not session.is_hidden else SessionClosed
    if overbook and session.overbooked > before:
        _record(session, by, gettext("Overbooked"))
    return session.last_number


def _keep_answers(model, field: str, appointment: Appointment, answers: Mapping, by: User | None) -> None:
    rows = [
        model(appointment=appointment, question=question, asked_as=question.text, **{field: answer})
        for question, answer in answers.items()
    ]
    bulk_create_with_history(rows, model, default_user=by)


@transaction.atomic
def book_publicly(
    session: ClinicSession,
    details: Mapping,
    *,
    symptoms: Iterable[Symptom] = (),
    likert: Mapping[LikertQuestion, int] | None = None,
    numeric: Mapping[NumericQuestion, Decimal] | None = None,
    reference: str = "",
) -> Appointment:
    """Book for whoever the national ID belongs to: the visible patient who has it, or a new one.

    A patient on file is never changed, and the caller cannot tell from the answer that there was one. `details` holds
    `full_name`, `date_of_birth`, `sex`, `national_id`, `phone` and `email`, checked and normalised by the form.

    Raises SessionFull, SessionClosed or AlreadyBooked.
    """
    if session.has_ended():
        raise SessionClosed
    given = {name: details[name] for name in ("full_name", "date_of_birth", "sex", "phone", "email")}
    patient, _made = Patient.objects.visible().get_or_create(national_id=details["national_id"], defaults=given)
    return book(
        session,
        patient,
        by=None,
        symptoms=symptoms,
        likert=likert,
        numeric=numeric,
        source=Source.PUBLIC,
        claimed=differences(patient, given),
        reference=reference,
    )


def differences(patient: Patient, given: Mapping) -> dict[str, str]:
    """What was given and is not what the file says, as text. Case and spacing make no difference; nor do blanks."""

    def plain(value) -> str:
        return " ".join(str(value).casefold().split())

    return {
        name: str(value) for name, value in given.items() if value and plain(value) != plain(getattr(patient, name))
    }


# -- Changing a booking -----------------------------------------------------------------------------------------------


@transaction.atomic
def cancel(appointment: Appointment, *, by: User | None, reason: str = "") -> None:
    """Give the place back. Raises WrongStatus, and SessionClosed where the public is too late."""
    _refuse_the_late(appointment, by)
    _change(appointment, Status.CANCELLED, since=STILL_TO_COME)
    _free(appointment.session_id)
    _record(appointment, by, reason or gettext("Cancelled"))


@transaction.atomic
def move(appointment: Appointment, session: ClinicSession, *, by: User | None) -> None:
    """Give the place back and take one in another session, with a new number.

    Raises SessionFull, SessionClosed, AlreadyBooked or WrongStatus; the booking then stands as it was.
    """
    _refuse_the_late(appointment, by)
    if by is None and session.has_ended():
        raise SessionClosed
    if session.pk == appointment.session_id:
        raise BookingError(_("The booking is at this time already."))
    _change(appointment, Status.BOOKED, since=STILL_TO_COME, called_at=None)
    left = appointment.session_id
    number = 0
    for pk in sorted([left, session.pk]):
        if pk == left:
            _free(left)
        else:
            number = _take_place(session, appointment.patient, by=by)
    Appointment.objects.filter(pk=appointment.pk).update(session=session, queue_number=number)
    _record(appointment, by, gettext("Moved to another time"))


def public_may_change(appointment: Appointment) -> bool:
    """Whether the patient may still move or cancel it: not once they are here, nor when the session is over."""
    return appointment.status == Status.BOOKED and not appointment.session.has_ended()


def _refuse_the_late(appointment: Appointment, by: User | None) -> None:
    if by is None and appointment.session.has_ended():
        raise SessionClosed(_("This time is over, so the booking cannot be changed any more."))


def _change(appointment: Appointment, status: str, *, since: Iterable[str], **values) -> None:
    """Change the status where it is still one of `since`: whoever changed it first wins, and the other is told."""
    here = Appointment.objects.visible().filter(pk=appointment.pk, status__in=since)
    changed = here.update(status=status, **values)
    appointment.refresh_from_db()
    if not changed:
        raise WrongStatus(appointment)


def _free(session_id: int, places: int = 1) -> None:
    ClinicSession.objects.filter(pk=session_id).update(booked=F("booked") - places)


def _record(row: Appointment | ClinicSession, by: User | None, reason: str) -> None:
    """Save what an UPDATE already wrote, for history and for whoever listens to signals."""
    row.refresh_from_db()
    row._history_user, row._change_reason = by, reason[:REASON_LENGTH]
    row.save(update_fields=["updated_at"])


# -- The day ----------------------------------------------------------------------------------------------------------


def check_in(appointment: Appointment, *, by: User | None) -> None:
    """The patient is here, late or not. Raises WrongStatus."""
    _step(appointment, Status.CHECKED_IN, since=(Status.BOOKED, Status.NO_SHOW), by=by)


def mark_done(appointment: Appointment, *, by: User | None) -> None:
    """The visit is over. Raises WrongStatus."""
    _step(appointment, Status.DONE, since=(Status.CHECKED_IN, Status.CALLED), by=by)


def mark_no_show(appointment: Appointment, *, by: User | None) -> None:
    """The patient did not come, and keeps the place. Raises WrongStatus."""
    _step(appointment, Status.NO_SHOW, since=STILL_TO_COME, by=by)


@transaction.atomic
def _step(appointment: Appointment, status: str, *, since: Iterable[str], by: User | None) -> None:
    _change(appointment, status, since=since)
    _record(appointment, by, "")


def call_next(session: ClinicSession, *, by: User | None) -> Appointment | None:
    """Call the lowest number among those who are here; None where nobody waits."""
    while (appointment := session.appointments.waiting().first()) is not None:
        with transaction.atomic():
            try:
                _change(appointment, Status.CALLED, since=[Status.CHECKED_IN], called_at=timezone.now())
            except WrongStatus:
                continue  # another desk called this one first
            ClinicSession.objects.filter(pk=session.pk).update(current_number=appointment.queue_number)
            _record(appointment, by, "")
        session.refresh_from_db()
        return appointment
    return None


@transaction.atomic
def recall(session: ClinicSession, *, by: User | None) -> Appointment:
    """Call the same number once more. Raises NobodyCalled or WrongStatus."""
    appointment = _being_called(session)
    _change(appointment, Status.CALLED, since=[Status.CALLED], called_at=timezone.now())
    _record(appointment, by, gettext("Called again"))
    return appointment


@transaction.atomic
def skip(session: ClinicSession, *, by: User | None) -> Appointment | None:
    """The one being called is not here: expect them again, and call the next.

    They become `booked` with `called_at` kept, which the board shows as “was called and may still come”. Checking
    them in puts them back in the queue, with the same number. Raises NobodyCalled or WrongStatus.
    """
    appointment = _being_called(session)
    _change(appointment, Status.BOOKED, since=[Status.CALLED])
    _record(appointment, by, gettext("Called, and not here"))
    return call_next(session, by=by)


def _being_called(session: ClinicSession) -> Appointment:
    called = session.appointments.visible().filter(status=Status.CALLED)
    appointment = called.filter(queue_number=F("session__current_number")).first()
    if appointment is None:
        raise NobodyCalled
    return appointment


# -- Hiding -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def hide(queryset: AppointmentQuerySet, *, by: User | None, reason: str = "") -> int:
    """Hide what is visible here; it gives its places back. Returns how many rows that were."""
    rows = _locked(queryset.visible())
    for session_id, places in _places(rows):
        _free(session_id, places)
    for appointment in rows:
        _mark(appointment, by, reason, hidden_at=timezone.now(), hidden_by=by, hide_reason=reason)
    return len(rows)


@transaction.atomic
def restore(queryset: AppointmentQuerySet, *, by: User | None, reason: str = "") -> int:
    """Bring back what is hidden here, beyond capacity where its place was given away. Returns how many rows.

    Raises IntegrityError where a patient has another booking in the same session by now.
    """
    rows = _locked(queryset.hidden())
    for session_id, places in _places(rows):
        granted = Greatest(F("overbooked"), F("booked") + places - F("capacity"))
        ClinicSession.objects.filter(pk=session_id).update(booked=F("booked") + places, overbooked=granted)
    for appointment in rows:
        _mark(appointment, by, reason, hidden_at=None, hidden_by=None, hide_reason="")
    return len(rows)


def _locked(queryset: AppointmentQuerySet) -> list[Appointment]:
    return list(queryset.order_by("pk").select_for_update(of=("self",)))


def _places(rows: Iterable[Appointment]) -> list[tuple[int, int]]:
    """(session, places that these rows hold while visible), in the order of the sessions' keys."""
    return sorted(Counter(row.session_id for row in rows if row.status != Status.CANCELLED).items())


def _mark(appointment: Appointment, by: User | None, reason: str, **values) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(**values)
    _record(appointment, by, reason)
