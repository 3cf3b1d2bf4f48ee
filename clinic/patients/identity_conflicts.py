"""Settle a booking of which nobody knows for sure whose it is: its name or date of birth are not those on file for its
national ID, it came without one, or it made a record of somebody who may have one.

Of two who settle the same one, the first does and the other is told.
"""

from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.dispatch import Signal
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.formats.kept import told as as_told
from backoffice.formats.lists import in_turn
from backoffice.models import User
from backoffice.records.changes import record
from backoffice.records.locks import lock_by_key
from backoffice.records.relations import field_of, pointing_at
from backoffice.records.seen import last_to_change
from backoffice.records.seen import version_of as seen_version
from clinic.models import Appointment, Patient
from clinic.patients import merging
from clinic.patients.lookalikes import lookalikes

# What was with a visit names the person whom the visit is found to be of. Sent with the model as `sender`, the `row` as
# it is by then, `by` whom and the `reason`, inside the transaction.
named_another = Signal()


class ConflictError(Exception):
    """Nothing was changed. The message says why."""


def version_of(appointment: Appointment) -> str:
    """Another text where what was given, or what the file says of it, is another. Each answer takes it as `seen`, and
    is not carried out where somebody has changed either since."""
    on_file = [getattr(appointment.patient, name) for name in sorted(appointment.claimed)]
    return seen_version(appointment.patient_id, sorted(appointment.claimed.items()), on_file)


def settled_by(appointment: Appointment) -> str:
    """Who settled it, in a sentence: the first version that was not to be checked any more."""
    versions = appointment.history.select_related("history_user").order_by("history_id")
    last_open = versions.filter(identity_conflict=True).last()
    done = versions.filter(history_id__gt=last_open.history_id).first() if last_open else None
    if done is None or not done.history_change_reason:
        return _("This identity is settled: nothing is left to check.")
    told = {"who": done.history_user or _("Somebody"), "what": as_told(done.history_change_reason)}
    return _("%(who)s has settled this already. %(what)s.") % told


@transaction.atomic
def file_is_right(appointment: Appointment, *, by: User, seen: str = "") -> None:
    """The same person, who mistyped. What was given stays with the booking, to be seen. Raises ConflictError."""
    _locked(appointment, seen=seen)
    _settle(appointment)
    record(appointment, by, gettext_noop("Identity checked: the same person, the file is right"))


@transaction.atomic
def take_over(appointment: Appointment, fields: Collection[str], *, by: User, seen: str = "") -> None:
    """The same person, and `fields` of what was given with the booking are right: the patient's record gets them.

    Raises ConflictError.
    """
    patient = _locked(appointment, seen=seen)[appointment.patient_id]
    chosen = {name: said for name, said in appointment.claimed.items() if name in fields}
    if not chosen:
        raise ConflictError(_("Tick what is to be taken over from the booking."))
    _settle(appointment, claimed={name: said for name, said in appointment.claimed.items() if name not in chosen})
    _correct(patient, chosen, by)
    record(appointment, by, gettext_noop("Identity checked: the same person, the file is corrected"))


def _correct(patient: Patient, chosen: dict[str, str], by: User) -> None:
    reason = gettext_noop("As given with a booking")
    for name, said in chosen.items():
        setattr(patient, name, field_of(Patient, name).to_python(said))
    try:
        patient.full_clean()
    except ValidationError as error:
        raise ConflictError(in_turn(error.messages)) from error
    patient._history_user, patient._change_reason = by, reason
    patient.save()


@transaction.atomic
def another_person(appointment: Appointment, patient: Patient, *, by: User, seen: str = "") -> None:
    """Whoever booked is `patient`, who may be new and not saved yet: the visit is theirs, and what was taken at it.

    The national ID stays with its owner. Where the record of `patient` was merged into another, it is that one's. Of a
    film that both have, the visit's copy is hidden. Raises ConflictError.
    """
    if patient.pk is None:
        patient._history_user, patient._change_reason = by, gettext_noop("Another person than the national ID's owner")
        patient.save()
    patient = _locked(appointment, patient, seen=seen)[merging.standing(patient).pk]
    was = appointment.patient_id
    if patient.pk == was:
        raise ConflictError(_("This is the patient on file. Choose another one."))
    if patient.is_hidden:
        raise ConflictError(_("This record is hidden. Restore it first, or choose another one."))
    try:
        with transaction.atomic():
            _settle(appointment, claimed={}, patient=patient)
    except IntegrityError as error:  # one active booking per patient and session
        raise ConflictError(_("%(patient)s has a booking in this session already.") % {"patient": patient}) from error
    _take_along(appointment, was, by)
    record(appointment, by, gettext_noop("Identity checked: another person"))


@transaction.atomic
def on_file_twice(appointment: Appointment, known: Patient, *, by: User, seen: str = "") -> None:
    """The record that stands with the visit, and `known`, which looks like it, are one person's: the other way round
    from `another_person`, all that is on the former goes to `known`, with what `known` has not. Raises ConflictError.
    """
    _locked(appointment, known, seen=seen)
    made = appointment.patient
    if not lookalikes(made).filter(pk=known.pk).exists():
        raise ConflictError(_("The two records are no longer alike. Look again."))
    missing = [name for name in merging.FIELDS if getattr(made, name) and not getattr(known, name)]
    try:
        merging.merge(known, made, choices=missing, by=by, reason=gettext_noop("As a booking showed"))
    except merging.MergeError as refusal:
        raise ConflictError(str(refusal)) from refusal
    _settle(appointment)
    appointment.refresh_from_db()
    record(appointment, by, gettext_noop("Identity checked: the same person, was on file twice"))


def _locked(appointment: Appointment, *others: Patient, seen: str) -> dict[int, Patient]:
    """The visit's patient, and the records that those of `others` stand for, locked: in the order of everybody else,
    before the visit is touched. Somebody may merge one of them away meanwhile; then it is asked anew.

    Raises ConflictError where it is not as it was `seen`.
    """
    locked = _lock(appointment, others)
    lock_by_key(Appointment, [appointment.pk])
    appointment.refresh_from_db()
    if not appointment.identity_conflict:
        raise ConflictError(settled_by(appointment))
    if seen and seen != version_of(appointment):
        told = {"who": last_to_change(Patient, [appointment.patient_id])}
        raise ConflictError(_("%(who)s has changed the patient’s record since you looked. Compare once more.") % told)
    return locked


def _lock(appointment: Appointment, others: Collection[Patient]) -> dict[int, Patient]:
    while True:
        wanted = _wanted(appointment, others)
        rows = Patient.objects.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True)
        locked = {row.pk: row for row in rows}
        if _wanted(appointment, others) == wanted:
            return locked


def _wanted(appointment: Appointment, others: Collection[Patient]) -> set[int]:
    appointment.refresh_from_db(fields=["patient"])
    for patient in others:
        patient.refresh_from_db()
    return {appointment.patient_id, *(merging.standing(patient).pk for patient in others)}


def _settle(appointment: Appointment, **values: object) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(identity_conflict=False, **values)


def _take_along(appointment: Appointment, was: int, by: User) -> None:
    """Whatever belongs to the visit and names its patient, such as the films taken at it, names the right one."""
    appointment.refresh_from_db()
    for relation in pointing_at(Appointment):
        for field in relation.related_model._meta.fields:
            if field.related_model is Patient:
                its = {relation.field.name: appointment, field.name: was}
                _name(field.name, appointment.patient, relation.related_model._base_manager.filter(**its), by)


def _name(field: str, patient: Patient, rows: QuerySet, by: User) -> None:
    copies = merging.copies_among(rows, field, patient)
    merging.hide_copies(copies, by=by, reason=gettext_noop("The visit is another person's, who has this already"))
    reason = gettext_noop("The visit is another person's")
    for row in rows.order_by("pk"):
        setattr(row, field, patient)
        row._history_user, row._change_reason = by, reason
        row.save(update_fields=[field, "updated_at"])
        named_another.send(sender=type(row), row=row, by=by, reason=reason)
