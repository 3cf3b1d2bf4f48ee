"""A clinician signs: agrees with the models, or corrects them.

A signature stands for somebody who looked. So who signs is a clinician, has opened the answer since it was given, and
signs what they saw: where it has changed meanwhile, they are told, and where it is signed already, they are asked.
"""

from django.contrib.auth.models import AnonymousUser, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.models import AccessEvent, User
from backoffice.records.hangs_on import lock_with_above
from backoffice.records.seen import version_of as seen_version
from backoffice.records.text import tidy_text
from imaging.models import XRayImage
from inference.models import Prediction

SIGN = "inference.sign_prediction"


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


def may_sign(user: User | AnonymousUser) -> bool:
    """Whether a role of theirs signs. A superuser may do everything but this: a signature says that a clinician looked,
    and being trusted with the machine makes nobody one."""
    if not isinstance(user, User) or not user.is_superuser:
        return user.has_perm(SIGN)
    if not hasattr(user, "_is_given_to_sign"):  # asked once for a page, as Django asks for permissions
        label, _dot, codename = SIGN.partition(".")
        given = Permission.objects.filter(content_type__app_label=label, codename=codename)
        is_given = given.filter(Q(group__user=user) | Q(user=user)).exists()
        user._is_given_to_sign = is_given  # type: ignore[attr-defined]  # for the time of this request
    return user._is_given_to_sign  # type: ignore[attr-defined]


def version_of(prediction: Prediction) -> str:
    """A short text that differs where what is signed differs: the answer, or what somebody has signed. Forms carry it,
    so that a decision is about what the page showed."""
    return seen_version(
        prediction.status,
        prediction.diagnosis,
        prediction.confidence,
        prediction.final_diagnosis,
        prediction.reviewed_by_id,
        prediction.reviewed_at and prediction.reviewed_at.timestamp(),
        prediction.review_notes,
    )


@transaction.atomic
def decide(
    prediction: Prediction, *, by: User, diagnosis: str, notes: str = "", seen: str = "", again: bool = False
) -> None:
    """Sign what `by` has looked at. `seen` is its `version_of` as they saw it; `again` puts a second signature in the
    place of the first, which stays to be read.

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
    prediction.final_diagnosis = diagnosis
    prediction.review_notes = notes
    prediction.is_validated = True
    prediction.reviewed_by = by
    prediction.reviewed_at = timezone.now()
    prediction._history_user, prediction._change_reason = by, reason
    prediction.save()


def earlier_signatures(prediction: Prediction) -> list:
    """The versions in which it was signed before the signature that stands, the newest first."""
    if not prediction.is_validated:
        return []
    signed = prediction.history.filter(is_validated=True, reviewed_at__isnull=False).select_related("reviewed_by")
    by_signature = {version.reviewed_at: version for version in signed.exclude(reviewed_at=prediction.reviewed_at)}
    return sorted(by_signature.values(), key=lambda version: version.reviewed_at, reverse=True)
