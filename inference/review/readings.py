"""A clinician's own reading of a case: what they saw by themselves, and how long reading took them.

Both are kept whether or not the models' answer was closed to them (blinding.py), for reading blind is a choice to
measure. What nobody can know is not claimed: whoever may have seen the answer before has not read blind.
"""

from datetime import datetime, timedelta
from itertools import pairwise

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.models import AccessEvent, User
from backoffice.notices.telling import tell
from backoffice.records.hangs_on import lock_with_above
from imaging.models import XRayImage
from inference.models import Diagnosis, Prediction, Reading, ReferenceStandard
from inference.review import blinding, taking
from inference.review.roles import may_sign

PAUSE = timedelta(minutes=3)
"""Of two looks at a case that lie further apart, so much counts as reading; the rest, as something else."""

OWN_CONFIDENCES = {"0.4": 0.4, "0.6": 0.6, "0.8": 0.8, "0.95": 0.95}
"""What a reader can say of how sure they are, as their page sends it."""


class CannotReadError(Exception):
    """No answer was kept. The message says why, and what to do."""


def reading_of(user: User, prediction: Prediction) -> Reading | None:
    return Reading.objects.filter(prediction=prediction, reader=user).first()


@transaction.atomic
def answer(prediction: Prediction, *, by: User, diagnosis: str, confidence: float) -> Reading:
    """Keep what `by` sees by themselves; `diagnosis` is empty where nothing can be said of the film. From then on the
    models' answer is open to them.

    Raises CannotReadError where there is nothing to answer, or they have answered; TakenError where a colleague reads.
    """
    lock_with_above(prediction)  # of two windows of one reader the second finds the first's answer
    prediction = Prediction.objects.get(pk=prediction.pk)
    _refuse(prediction, by)
    if not prediction.is_validated:
        taking.take(prediction.pk, by=by)
    now = timezone.now()
    reading = reading_of(by, prediction) or Reading(prediction=prediction, reader=by, opened_at=_opened(by, prediction))
    if reading.answered_at or (reading.pk and not reading.is_blind):
        raise CannotReadError(_("You have answered already. Below are both answers."))
    reading.is_blind = not _may_have_seen(by, prediction, until=reading.opened_at if prediction.is_validated else now)
    reading.own_diagnosis, reading.own_confidence, reading.answered_at = diagnosis, confidence, now
    _save(reading, by, gettext_noop("Read"))
    if prediction.waits_with_an_urgent_finding:
        # Perhaps nobody was told before them. The page says it; this stays for whoever leaves it without a signature.
        tell([by.pk], "found_urgent", f"found {prediction.pk} by its reader", about=prediction, urgent=True)
    return reading


def _refuse(prediction: Prediction, by: User) -> None:
    if not may_sign(by):
        raise CannotReadError(_("Reading is for clinicians."))
    if prediction.status != Prediction.Status.COMPLETED:
        raise CannotReadError(_("There is no second opinion yet. Come back once it is answered."))
    if prediction.is_gone:
        raise CannotReadError(_("It is hidden, or its film or patient is. Restore that first."))


@transaction.atomic
def read_again(prediction: Prediction, *, by: User) -> Reading:
    """Begin a second reading of what a colleague has signed: from now on it is closed to `by` until they have answered.

    Raises CannotReadError where it is not signed, or they have read it.
    """
    lock_with_above(prediction)
    prediction = Prediction.objects.get(pk=prediction.pk)
    _refuse(prediction, by)
    if not prediction.is_validated or prediction.reviewed_by_id == by.pk:
        raise CannotReadError(_("A second reader reads what a colleague has signed."))
    reading = reading_of(by, prediction)
    if reading and reading.answered_at is None and reading.is_blind:
        return reading
    if reading:
        raise CannotReadError(_("You have read this one already."))
    reading = Reading(prediction=prediction, reader=by, is_blind=True, opened_at=timezone.now())
    _save(reading, by, gettext_noop("Second reading begun"))
    return reading


def note_signature(prediction: Prediction, by: User) -> Reading:
    """What the signer's reading came to; made where they had not given an answer of their own before. In the
    transaction that signs."""
    reading = reading_of(by, prediction)
    if reading is None:
        reading = Reading(prediction=prediction, reader=by, is_blind=False, opened_at=_opened(by, prediction))
    reading.final_diagnosis, reading.signed_at = prediction.final_diagnosis, prediction.reviewed_at
    reading.seconds = seconds_at(by, prediction, reading.opened_at, prediction.reviewed_at or timezone.now())
    _save(reading, by, gettext_noop("Signed"))
    return reading


def forget_signature(prediction: Prediction, signer: User, by: User, why: str) -> None:
    """The signature that stood is none any more. Their own answer stays: it was given before they saw another."""
    reading = reading_of(signer, prediction)
    if reading and reading.signed_at:
        reading.final_diagnosis, reading.signed_at, reading.seconds = "", None, None
        _save(reading, by, why)


def _save(reading: Reading, by: User, why: str) -> None:
    reading._history_user, reading._change_reason = by, why
    reading.save()


# -- When they looked: the trail knows --------------------------------------------------------------------------------


def _looks(user: User, prediction: Prediction) -> QuerySet:
    """At the film or its answer, since it was answered."""
    kinds = ContentType.objects.get_for_models(Prediction, XRayImage)
    since = prediction.finished_at or prediction.created_at
    return AccessEvent.objects.filter(user=user, at__gte=since).filter(
        Q(content_type=kinds[Prediction], object_id=prediction.pk)
        | Q(content_type=kinds[XRayImage], object_id=prediction.xray_id)
    )


def _opened(user: User, prediction: Prediction) -> datetime:
    """Their first look at the case, or now."""
    first = _looks(user, prediction).filter(action=AccessEvent.Action.VIEW).aggregate(first=Min("at"))["first"]
    return first or timezone.now()


def _may_have_seen(user: User, prediction: Prediction, *, until: datetime) -> bool:
    """Whether this person had the answer, or another about the same film, before them and open until then: looked
    while it was signed, or before their role read first. What a list told in passing, no trail knows."""
    if not blinding.reads_blind(user):
        return True
    others = Prediction.objects.visible().filter(xray=prediction.xray_id, status=Prediction.Status.COMPLETED)
    if others.exclude(pk=prediction.pk).answers_seen_by(user).exists():
        return True
    if _knew(user, prediction, until=until):
        return True
    looks = _looks(user, prediction).filter(at__lt=until)
    began = blinding.in_force_since(user)
    if began and looks.filter(at__lt=began).exists():
        return True
    signed = prediction.history.filter(is_validated=True).aggregate(first=Min("reviewed_at"))["first"]
    return bool(signed and looks.filter(at__gte=signed).exists())


def _knew(user: User, prediction: Prediction, *, until: datetime) -> bool:
    """Whether they entered what the film is known to show, or opened that while it was open to them."""
    known = ReferenceStandard.history.filter(xray=prediction.xray_id, history_date__lt=until)
    if known.filter(history_user=user).exists():
        return True
    kind = ContentType.objects.get_for_model(ReferenceStandard)
    looks = AccessEvent.objects.filter(user=user, at__lt=until, content_type=kind)
    return looks.filter(object_id__in=known.values("id")).exists()


def seconds_at(user: User, prediction: Prediction, since: datetime, until: datetime) -> float:
    """For how long this person read the case, as the server knows it: from each page of it that they opened to the next
    thing that they did, PAUSE at most. Time spent on another record's page in between is not the case's. It says
    nothing of where their eyes were.
    """
    kinds = ContentType.objects.get_for_models(Prediction, XRayImage)
    case = {(kinds[Prediction].pk, prediction.pk), (kinds[XRayImage].pk, prediction.xray_id)}
    events = AccessEvent.objects.filter(user=user, at__gte=since, at__lte=until).order_by("at", "pk")
    steps = [((kind, key) in case, at) for kind, key, at in events.values_list("content_type", "object_id", "at")]
    steps = [(True, since), *steps, (False, until)]
    return sum(
        min(later - at, PAUSE).total_seconds() for (is_of_case, at), (_of, later) in pairwise(steps) if is_of_case
    )


def diagnoses() -> list[tuple[str, str]]:
    """What can be answered: (value, label); the last says that nothing can be said of the film."""
    nothing = Prediction.Verdict.NOT_ASSESSABLE.value
    return [*((one.value, str(one.label)) for one in Diagnosis), (nothing, _("Not assessable"))]
