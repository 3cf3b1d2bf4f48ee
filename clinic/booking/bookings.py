"""Book a visit, at the desk or on the public page; move it, cancel it."""

import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from backoffice.exchange.bulk_history import write_history_of_new
from backoffice.models import User
from backoffice.records.changes import record
from clinic import mails
from clinic.booking.answers import keep_answers
from clinic.booking.errors import AlreadyBooked, BookingError, SessionClosed, SessionFull
from clinic.booking.places import take_place
from clinic.booking.status import change_status
from clinic.booking.told import told
from clinic.intake import sync as intake
from clinic.models import (
    Appointment,
    ClinicSession,
    LikertQuestion,
    NumericQuestion,
    Patient,
    Symptom,
    new_reference,
    spoken_language,
)
from clinic.patients import merging
from clinic.patients.lookalikes import lookalikes
from clinic.phones import phone_key

Status, Source = Appointment.Status, Appointment.Source
SymptomLink = Appointment.symptoms.through

IDENTITY = ("full_name", "date_of_birth")


@told("made")
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
    is_doubtful: bool = False,
    language: str = "",
    reference: str = "",
) -> Appointment:
    """Take a place and a queue number, keep the answers, and write to the patient.

    `overbook` takes a place beyond the session's capacity, on purpose. `claimed` is what was given with the booking
    and differs from the patient's file; a name or a date of birth in it marks the identity for checking, and so does
    `is_doubtful`. `language` is that of the mails, where it is not the one spoken at this moment. `reference` is one
    that `new_reference` made before, so that one booking sent twice can be recognised.

    A patient whose record has been merged is booked on the one that was kept.

    Raises SessionFull, SessionClosed or AlreadyBooked.
    """
    claimed = dict(claimed or {})
    patient = merging.lock_standing(patient)
    appointment = Appointment(
        patient=patient,
        session=session,
        queue_number=take_place(session, patient, by=by, overbook=overbook),
        source=source,
        notes=notes,
        reference=reference or new_reference(),
        claimed=claimed,
        identity_conflict=is_doubtful or is_to_check(claimed),
        language=language or spoken_language(),
    )
    appointment.save_without_historical_record()  # type: ignore[attr-defined]  # simple-history's
    links = [SymptomLink(appointment=appointment, symptom=symptom) for symptom in set(symptoms)]
    SymptomLink.objects.bulk_create(links)
    reason = gettext_noop("Booked by the patient") if source == Source.PUBLIC else gettext_noop("Booked")
    write_history_of_new([appointment], user=by, reason=reason)
    keep_answers(appointment, likert or {}, numeric or {}, by=by)
    mails.write("booked", appointment)
    return appointment


def is_to_check(claimed: Mapping[str, str]) -> bool:
    """Whether what was given with a booking leaves a doubt who booked."""
    return any(name in claimed for name in IDENTITY)


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
    patient, is_doubtful = _whose(details["national_id"], given)
    appointment = book(
        session,
        patient,
        by=None,
        symptoms=symptoms,
        likert=likert,
        numeric=numeric,
        source=Source.PUBLIC,
        claimed=differences(patient, given),
        is_doubtful=is_doubtful,
        reference=reference,
    )
    intake.write_at_once(appointment)
    return appointment


def _whose(national_id: str, given: Mapping) -> tuple[Patient, bool]:
    """The record of whoever has the ID, perhaps on a record that was merged into it; else a new one. With it, whether
    somebody should look: two people may be taken for one by it, or one be on file twice.

    Without an ID, it is the one record without one that has this name, day of birth and phone.
    """
    if not national_id:
        same = Patient.objects.visible().filter(national_id="", date_of_birth=given["date_of_birth"])
        same = same.filter(full_name__iexact=given["full_name"], phone_key=phone_key(given["phone"]))
        found = list(same[:2])
        if len(found) == 1:
            return found[0], True
        patient, is_new = Patient.objects.create(**given), True
    elif known := merging.with_national_id(national_id):
        return known, False
    else:
        patient, is_new = Patient.objects.visible().get_or_create(national_id=national_id, defaults=given)
    if is_new:
        patient.refresh_from_db(fields=["phone_key"])
    return patient, is_new and lookalikes(patient).exists()


def differences(patient: Patient, given: Mapping) -> dict[str, str]:
    """What was given and is not what the file says, as text. Case and spelling make no difference; nor do blanks."""
    plain = {"phone": phone_key}
    return {
        name: str(value)
        for name, value in given.items()
        if value and plain.get(name, _plain)(str(value)) != plain.get(name, _plain)(str(getattr(patient, name)))
    }


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@told("cancelled")
@transaction.atomic
def cancel(appointment: Appointment, *, by: User | None, reason: str = "") -> None:
    """Give the place back, and write to the patient. Raises WrongStatus, or SessionClosed where the public is late."""
    _refuse_the_late(appointment, by)
    change_status(appointment, Status.CANCELLED, since=_changeable(by))
    ClinicSession.objects.filter(pk=appointment.session_id).free()
    record(appointment, by, reason or (gettext_noop("Cancelled") if by else gettext_noop("Cancelled by the patient")))
    mails.write("cancelled", appointment)


@told("reinstated")
@transaction.atomic
def reinstate(appointment: Appointment, *, by: User) -> None:
    """Take a cancellation back: the same booking and number, where there is a place still; and write to the patient.

    Raises WrongStatus, SessionFull, SessionClosed or AlreadyBooked; the booking then stays cancelled.
    """
    session = appointment.session
    if session.has_ended():
        raise SessionClosed(_("This time is over, so the booking cannot be changed any more."))
    try:
        with transaction.atomic():
            change_status(appointment, Status.BOOKED, since=[Status.CANCELLED], called_at=None)
    except IntegrityError as error:  # the patient has booked this time anew
        raise AlreadyBooked from error
    if not ClinicSession.objects.filter(pk=session.pk).take_place():
        session.refresh_from_db()
        raise SessionFull if session.is_open and not session.is_hidden else SessionClosed
    record(appointment, by, gettext_noop("Cancellation taken back"))
    mails.write("booked", appointment)


@told("moved")
@transaction.atomic
def move(appointment: Appointment, session: ClinicSession, *, by: User | None) -> None:
    """Give the place back, take one in another session, with a new number, and write to the patient.

    Raises SessionFull, SessionClosed, AlreadyBooked or WrongStatus; the booking then stands as it was.
    """
    _refuse_the_late(appointment, by)
    if by is None and session.has_ended():
        raise SessionClosed
    change_status(appointment, Status.BOOKED, since=_changeable(by), called_at=None)
    left = appointment.session_id
    if session.pk == left:
        raise BookingError(_("The booking is at this time already."))
    number = 0
    for pk in sorted([left, session.pk]):
        if pk == left:
            ClinicSession.objects.filter(pk=left).free()
        else:
            number = take_place(session, appointment.patient, by=by)
    Appointment.objects.filter(pk=appointment.pk).update(session=session, queue_number=number, reminded_at=None)
    record(appointment, by, gettext_noop("Moved to another time") if by else gettext_noop("Moved by the patient"))
    mails.write("moved", appointment)


def public_may_change(appointment: Appointment) -> bool:
    """Whether the patient may still move or cancel it: not once they are here, nor when the session is over."""
    return appointment.status in _changeable(None) and not appointment.session.has_ended()


def _changeable(by: User | None) -> tuple[str, ...]:
    return Appointment.STILL_TO_COME if by else (Status.BOOKED,)


def _refuse_the_late(appointment: Appointment, by: User | None) -> None:
    if by is None and appointment.session.has_ended():
        raise SessionClosed(_("This time is over, so the booking cannot be changed any more."))
