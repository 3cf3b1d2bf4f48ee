"""Settle a booking whose name or date of birth are not those on file for its national ID.

Of two who settle the same one, the first does and the other is told.
"""

from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from backoffice.models import User
from backoffice.records.changes import record
from backoffice.records.relations import pointing_at
from clinic.models import Appointment, Patient


class ConflictError(Exception):
    """Nothing was changed. The message says why."""


@transaction.atomic
def file_is_right(appointment: Appointment, *, by: User) -> None:
    """The same person, who mistyped. What was given stays with the booking, to be seen. Raises ConflictError."""
    _settle(appointment)
    record(appointment, by, _("Identity checked: the same person, the file is right"))


@transaction.atomic
def take_over(appointment: Appointment, fields: Collection[str], *, by: User) -> None:
    """The same person, and `fields` of what was given with the booking are right: the patient's record gets them.

    Raises ConflictError.
    """
    chosen = {name: said for name, said in appointment.claimed.items() if name in fields}
    if not chosen:
        raise ConflictError(_("Tick what is to be taken over from the booking."))
    _settle(appointment, claimed={name: said for name, said in appointment.claimed.items() if name not in chosen})
    _correct(Patient.objects.select_for_update(no_key=True).get(pk=appointment.patient_id), chosen, by)
    record(appointment, by, _("Identity checked: the same person, the file is corrected"))


def _correct(patient: Patient, chosen: dict[str, str], by: User) -> None:
    reason = _("As given with a booking")
    for name, said in chosen.items():
        setattr(patient, name, Patient._meta.get_field(name).to_python(said))
    try:
        patient.full_clean()
    except ValidationError as error:
        raise ConflictError(" ".join(error.messages)) from error
    patient._history_user, patient._change_reason = by, reason
    patient.save()


@transaction.atomic
def another_person(appointment: Appointment, patient: Patient, *, by: User) -> None:
    """Whoever booked is `patient`, who may be new and not saved yet: the visit is theirs, and what was taken at it.

    The national ID stays with its owner. Raises ConflictError.
    """
    was = appointment.patient_id
    if patient.pk is None:
        patient._history_user, patient._change_reason = by, _("Another person than the national ID's owner")
        patient.save()
    elif patient.pk == was:
        raise ConflictError(_("This is the patient on file. Choose another one."))
    try:
        with transaction.atomic():
            _settle(appointment, claimed={}, patient=patient)
    except IntegrityError as error:  # one active booking per patient and session
        raise ConflictError(_("%(patient)s has a booking in this session already.") % {"patient": patient}) from error
    _take_along(appointment, was, by)
    record(appointment, by, _("Identity checked: another person"))


def _settle(appointment: Appointment, **values) -> None:
    open_ones = Appointment.objects.filter(pk=appointment.pk, identity_conflict=True)
    if not open_ones.update(identity_conflict=False, **values):
        raise ConflictError(_("Somebody has settled this already."))


def _take_along(appointment: Appointment, was: int, by: User) -> None:
    """Whatever belongs to the visit and names its patient, such as the films taken at it, names the right one."""
    appointment.refresh_from_db()
    for relation in pointing_at(Appointment):
        for field in relation.related_model._meta.fields:
            if field.related_model is Patient:
                its = {relation.field.name: appointment, field.name: was}
                _name(field.name, appointment.patient, relation.related_model._base_manager.filter(**its), by)


def _name(field: str, patient: Patient, rows: QuerySet, by: User) -> None:
    for row in rows.order_by("pk"):
        setattr(row, field, patient)
        row._history_user, row._change_reason = by, _("The visit is another person's")
        row.save(update_fields=[field, "updated_at"])
