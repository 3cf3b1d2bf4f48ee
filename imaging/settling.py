"""Settle whose a film is: its file contradicts the patient that it is with, or somebody sees that it is another's.

Of two who settle the same one, the first does and the other is told. Patients are locked first, in the order of their
keys, and then the film: the order of everybody else.
"""

import logging
from collections.abc import Callable
from contextlib import suppress

from django.db import IntegrityError, transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.formats.kept import Pattern
from backoffice.models import User
from backoffice.records.locks import lock_by_key
from backoffice.records.mixins import REASON_LENGTH
from backoffice.records.seen import last_to_change
from backoffice.records.seen import version_of as seen_version
from clinic.models import Patient
from clinic.patients import merging
from clinic.patients.identity_conflicts import named_another
from imaging import ingest, whose
from imaging.decoded import Named
from imaging.ingest import Refused
from imaging.models import THEIRS_BECAUSE_LENGTH, XRayImage

logger = logging.getLogger(__name__)

THEIRS = Pattern(gettext_noop("It is this patient’s all the same: %(reason)s"))
ANOTHERS = Pattern(gettext_noop("It is another patient’s: %(reason)s"))

# A film is another person's now, which a merge of two records of one person does not make it. Sent inside the
# transaction, with the `film` as it is by then, `by` whom, and the `reason`.
moved = Signal()

# What a move would take back, in sentences: asked of the apps above. A film of which any says something moves only with
# a reason.
undone_by_a_move: list[Callable[[XRayImage], list[str]]] = []


class SettleError(Exception):
    """Nothing was changed. The message says why."""


def what_a_move_undoes(xray: XRayImage) -> list[str]:
    return [sentence for ask in undone_by_a_move for sentence in ask(xray)]


def version_of(xray: XRayImage) -> str:
    """Another text where the film's patient, what its file says or what is on record of the patient is another."""
    patient = xray.patient
    on_record = (patient.full_name, patient.date_of_birth, patient.sex, patient.national_id)
    return seen_version(xray.pk, patient.pk, sorted(xray.identity_conflict.items()), on_record)


@transaction.atomic
def theirs_all_the_same(xray: XRayImage, *, by: User, reason: str, seen: str = "") -> None:
    """It is the film of the patient it is with, and the file is wrong. Raises SettleError."""
    xray = _locked(xray, seen=seen)
    if not xray.identity_conflict:
        told = {"who": last_to_change(XRayImage, [xray.pk])}
        raise SettleError(_("Nothing is left to settle: %(who)s was the last to change this film.") % told)
    xray.settled_conflict |= whose.marks(xray.identity_conflict, xray.patient)
    xray.identity_conflict = {}
    xray.theirs_because = reason[:THEIRS_BECAUSE_LENGTH]
    _save(xray, by, THEIRS(REASON_LENGTH, reason=reason))


def move(xray: XRayImage, patient: Patient, *, by: User, reason: str, seen: str = "") -> None:
    """It is the film of `patient`, or of the record that theirs was merged into. Raises SettleError."""
    named = _named(xray)
    try:
        with transaction.atomic():
            _move(xray, patient, named, by=by, reason=reason, seen=seen)
    except IntegrityError as error:
        told = _("%(patient)s has this very file already. Hide this one instead.") % {"patient": patient}
        raise SettleError(told) from error


def _move(xray: XRayImage, patient: Patient, named: Named, *, by: User, reason: str, seen: str) -> None:
    xray = _locked(xray, patient, seen=seen)
    patient = Patient.objects.get(pk=merging.standing(patient).pk)
    if patient.pk == xray.patient_id:
        raise SettleError(_("This is the patient whom it is with. Choose another one."))
    if patient.is_hidden:
        raise SettleError(_("This record is hidden. Restore it first, or choose another one."))
    if xray.appointment and xray.appointment.patient_id != patient.pk:
        xray.appointment = None
    xray.patient = patient
    xray.settled_conflict, xray.theirs_because = {}, ""
    xray.identity_conflict = whose.conflicts(named, patient)
    xray.renew_quality()
    _save(xray, by, ANOTHERS(REASON_LENGTH, reason=reason))
    moved.send(sender=XRayImage, film=xray, by=by, reason=reason)


@transaction.atomic
def hide(xray: XRayImage, *, by: User, reason: str, seen: str = "") -> None:
    """It is nobody's here, or nobody can tell whose. Raises SettleError."""
    xray = _locked(xray, seen=seen)
    XRayImage.objects.filter(pk=xray.pk).hide(by=by, reason=reason)


def _named(xray: XRayImage) -> Named:
    """What the file says, where it can still be read; the film of one that cannot is somebody's all the same."""
    with suppress(OSError, Refused):
        return ingest.said(xray.original, xray.width).named
    logger.warning("the file of X-ray %d cannot be read, so it was not compared", xray.pk)
    return Named()


def _locked(xray: XRayImage, *others: Patient, seen: str) -> XRayImage:
    """The film, locked with its patient and the records that those of `others` stand for. Raises SettleError where it
    is not as it was `seen`."""
    xray.refresh_from_db()
    lock_by_key(Patient, {xray.patient_id, *(merging.standing(patient).pk for patient in others)})
    lock_by_key(XRayImage, [xray.pk])
    was = xray.patient_id
    xray.refresh_from_db()
    told = {"who": last_to_change(XRayImage, [xray.pk])}
    if xray.is_gone:
        raise SettleError(_("It is hidden, or its patient is. Restore that first."))
    if was != xray.patient_id or (seen and seen != version_of(xray)):
        raise SettleError(_("%(who)s has changed this since you looked. Compare once more.") % told)
    return xray


def _save(xray: XRayImage, by: User, why: str) -> None:
    xray._history_user, xray._change_reason = by, why
    xray.save()


# -- What is listened to ----------------------------------------------------------------------------------------------


def connect() -> None:
    named_another.connect(_visit_is_anothers, sender=XRayImage, dispatch_uid="film_of_another_visit")


def _visit_is_anothers(row: XRayImage, by: User, reason: str, **kwargs: object) -> None:
    moved.send(sender=XRayImage, film=row, by=by, reason=reason)
