"""A clinician signs: agrees with the models, or corrects them.

A signature stands for somebody who looked. So who signs is a clinician, has opened the answer since it was given, and
signs what they saw: where it has changed meanwhile, they are told, and where it is signed already, they are asked.
"""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.models import AccessEvent, User
from backoffice.records.hangs_on import lock_with_above
from backoffice.records.relations import field_of
from backoffice.records.seen import version_of as seen_version
from backoffice.records.text import tidy_text
from imaging.models import XRayImage
from inference.models import Diagnosis, Prediction, Report, has_published
from inference.review import blinding, readings, taking
from inference.review.roles import may_sign

Verdict = Prediction.Verdict

SIGNED_AS = [*Diagnosis.choices, *((one.value, one.label) for one in Prediction.WITHOUT_A_DIAGNOSIS)]
"""What can be signed: a diagnosis, or a verdict without one."""

SIGNATURE = (
    "is_validated", "verdict", "final_diagnosis", "reviewed_by", "reviewed_at", "review_notes", "own_diagnosis",
    "own_confidence",
)  # fmt: skip
TAKEN_BACK = gettext_noop("Signature taken back")


class CannotSignError(Exception):
    """Nothing was signed. The message says why, and what to do."""


class AlreadySignedError(CannotSignError):
    """Somebody has signed it. `prediction` is the answer as it stands, for whoever decides whether to sign again."""

    def __init__(self, prediction: Prediction) -> None:
        super().__init__(
            _("%(person)s has signed this already. Open it to read the signature, and to sign again where it is wrong.")
            % {"person": prediction.reviewed_by}
        )
        self.prediction = prediction


def version_of(prediction: Prediction) -> str:
    """A short text that differs where what is signed differs: the answer, or what somebody has signed. Forms carry it,
    so that a decision is about what the page showed."""
    return seen_version(
        prediction.status,
        prediction.diagnosis,
        prediction.confidence,
        prediction.final_diagnosis,
        prediction.verdict,
        prediction.reviewed_by_id,
        prediction.reviewed_at and prediction.reviewed_at.timestamp(),
        prediction.review_notes,
    )


@transaction.atomic
def decide(
    prediction: Prediction, *, by: User, diagnosis: str, notes: str = "", seen: str = "", again: bool = False
) -> None:
    """Sign what `by` has looked at. `diagnosis` is one of SIGNED_AS; `seen` its `version_of` as they saw it; `again`
    puts a second signature in the place of the first, which stays to be read.

    Raises AlreadySignedError where somebody has to decide whether to sign again, and CannotSignError.
    """
    # The lock makes two at once one after the other: the second finds the first's signature. Nor is the film hidden
    # between the look and the signature.
    lock_with_above(prediction)
    prediction = Prediction.objects.get(pk=prediction.pk)
    _refuse(prediction, by)
    is_as_seen = not seen or seen == version_of(prediction)
    if prediction.is_validated and not (again and seen and is_as_seen):
        raise AlreadySignedError(prediction)
    if not is_as_seen:
        raise CannotSignError(_("It has changed since you opened it. Look at it again, then sign."))
    _write(prediction, by, diagnosis, notes)


def _refuse(prediction: Prediction, by: User) -> None:
    if not may_sign(by):
        raise CannotSignError(_("Signing is for clinicians."))
    if prediction.status != Prediction.Status.COMPLETED:
        raise CannotSignError(_("Only an answered second opinion can be signed."))
    if prediction.is_gone:
        raise CannotSignError(_("It is hidden, or its film or patient is. Restore that first."))
    if not has_opened(by, prediction):
        raise CannotSignError(_("Open it and look at the film first, then sign."))
    if not blinding.sees_answer(by, prediction):
        raise CannotSignError(_("Give your own answer first: open it, and say what you see. Then sign."))
    if not prediction.is_validated and taking.is_with_another(prediction, by):
        raise CannotSignError(taking.who_has(prediction))


def has_opened(user: User, prediction: Prediction) -> bool:
    """Whether this person has had the film's page, or the answer's, before them since it was answered."""
    since = prediction.finished_at or prediction.created_at
    looked = AccessEvent.objects.filter(user=user, action=AccessEvent.Action.VIEW, at__gte=since)
    kinds = ContentType.objects.get_for_models(Prediction, XRayImage)
    return looked.filter(
        Q(content_type=kinds[Prediction], object_id=prediction.pk)
        | Q(content_type=kinds[XRayImage], object_id=prediction.xray_id)
    ).exists()


@transaction.atomic
def sign(prediction: Prediction, *, by: User, diagnosis: str, notes: str = "") -> None:
    """Make `diagnosis` the final one, without asking who has looked: for code that vouches for it, as the demo does.

    Raises CannotSignError where there is no answer to sign yet.
    """
    prediction = Prediction.objects.select_for_update(no_key=True).get(pk=prediction.pk)
    if prediction.status != Prediction.Status.COMPLETED:
        raise CannotSignError(_("Only an answered second opinion can be signed."))
    _write(prediction, by, diagnosis, notes)


def _write(prediction: Prediction, by: User, diagnosis: str, notes: str) -> None:
    if not diagnosis:
        raise CannotSignError(_("The models gave no diagnosis to agree with. Open it, and sign your own."))
    try:
        notes = tidy_text(notes)
    except ValidationError as error:
        raise CannotSignError(error.messages[0]) from None
    reason = gettext_noop("Signed again") if prediction.is_validated else gettext_noop("Signed")
    if prediction.is_validated and prediction.reviewed_by and prediction.reviewed_by != by:
        readings.forget_signature(prediction, prediction.reviewed_by, by, reason)
    prediction.verdict, prediction.final_diagnosis = _verdict(prediction, diagnosis)
    prediction.review_notes = notes
    prediction.is_validated = True
    prediction.reviewed_by = by
    prediction.reviewed_at = timezone.now()
    prediction.taken_by = prediction.taken_until = None
    reading = readings.note_signature(prediction, by)
    is_own = reading.is_blind and reading.answered_at is not None
    prediction.own_diagnosis = reading.own_diagnosis if is_own else ""
    prediction.own_confidence = reading.own_confidence if is_own else None
    prediction._history_user, prediction._change_reason = by, reason
    prediction.save()


def _verdict(prediction: Prediction, diagnosis: str) -> tuple[str, str]:
    """(verdict, final diagnosis) of what was signed."""
    if diagnosis in Prediction.WITHOUT_A_DIAGNOSIS:
        return diagnosis, ""
    return Verdict.AGREED if diagnosis == prediction.diagnosis else Verdict.CORRECTED, diagnosis


# -- Taking a signature back -------------------------------------------------------------------------------------------


def may_take_back(user: User | AnonymousUser, prediction: Prediction) -> bool:
    """Whether the signature that stands is theirs, and no report has told anybody of it."""
    return prediction.is_validated and prediction.reviewed_by_id == user.pk and not has_published(prediction)


@transaction.atomic
def take_back(prediction: Prediction, *, by: User) -> int:
    """Take back one's own signature: the answer is as it was before, signed by a colleague or waiting for a reader. The
    signature stays in the history. Returns how many drafts of reports are withdrawn with it.

    Raises CannotSignError.
    """
    lock_with_above(prediction)
    prediction = Prediction.objects.get(pk=prediction.pk)
    if not prediction.is_validated or prediction.reviewed_by_id != by.pk:
        raise CannotSignError(_("There is no signature of yours to take back."))
    if prediction.is_gone:
        raise CannotSignError(_("It is hidden, or its film or patient is. Restore that first."))
    if has_published(prediction):
        raise CannotSignError(_("A report of it is published: write an amendment in place of taking it back."))
    before = _before(prediction)
    readings.forget_signature(prediction, by, by, TAKEN_BACK)
    for name in SIGNATURE:
        setattr(prediction, name, getattr(before, name) if before else _unsigned(name))
    drafts = Report.objects.filter(prediction=prediction).hide(by=by, reason=TAKEN_BACK)
    prediction._history_user, prediction._change_reason = by, TAKEN_BACK
    prediction.save()
    return drafts


def _before(prediction: Prediction) -> Any:
    """The version with the signature in whose place this one was put; None where it was the first."""
    versions = prediction.history.order_by("history_id")
    signed = versions.filter(reviewed_at=prediction.reviewed_at, reviewed_by=prediction.reviewed_by_id).first()
    before = signed and versions.filter(history_id__lt=signed.history_id).last()
    return before if before and before.is_validated else None


def _unsigned(name: str) -> Any:
    field = field_of(Prediction, name)
    return None if field.null else field.get_default()


def earlier_signatures(prediction: Prediction) -> list:
    """The versions in which it was signed before the signature that stands, the newest first."""
    if not prediction.is_validated:
        return []
    signed = prediction.history.filter(is_validated=True, reviewed_at__isnull=False).select_related("reviewed_by")
    by_signature = {version.reviewed_at: version for version in signed.exclude(reviewed_at=prediction.reviewed_at)}
    return sorted(by_signature.values(), key=lambda version: version.reviewed_at, reverse=True)
