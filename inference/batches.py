"""Telling who asked: once for what they asked at once, when all of it is over; and in part where that takes long.

Derived from rows that are committed: a worker tells after it has saved, and a schedule tells for a worker that died in
between. The mark on the batch and the notice are one transaction, so neither is lost or doubled.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from backoffice.models import Notice, User
from backoffice.notices.telling import tell
from inference.models import Batch, Prediction, PredictionQuerySet
from inference.models.predictions import found_urgent
from inference.review.roles import SEE, SIGN

LONG = timedelta(minutes=10)
"""After so long who asked is told how far it is."""

Status = Prediction.Status
LATELY = timedelta(days=1)
BY_ROLES = "django.contrib.auth.backends.ModelBackend"


def tell_who_asked() -> int:
    """Tell of every batch that is over, of those that take long, and of what should be read now. Returns how many
    batches were told of."""
    tell_what_should_be_read_now()
    unfinished = Prediction.objects.visible().unfinished().filter(batch=OuterRef("pk")).order_by()
    untold = Batch.objects.untold().annotate(is_at_work=Exists(unfinished)).order_by("pk")
    over = [_tell(batch) for batch in untold.filter(is_at_work=False)]
    long = untold.filter(is_at_work=True, is_told_in_part=False, asked_at__lt=timezone.now() - LONG)
    return sum(over) + sum(map(_tell_in_part, long))


@transaction.atomic
def _tell(batch: Batch) -> bool:
    # Another worker may be telling at this moment: whose UPDATE comes first does.
    if not Batch.objects.untold().filter(pk=batch.pk).update(told_at=timezone.now()):
        return False
    # That it is over takes the place of how far it was.
    Notice.objects.filter(to=batch.asked_by_id, key=_key(batch, "part")).delete()
    return _notice(batch, "batch_over", _key(batch, "over"))


@transaction.atomic
def _tell_in_part(batch: Batch) -> bool:
    first = Batch.objects.untold().filter(pk=batch.pk, is_told_in_part=False)
    return bool(first.update(is_told_in_part=True)) and _notice(batch, "batch_in_part", _key(batch, "part"))


def _key(batch: Batch, what: str) -> str:
    return f"batch {batch.pk} {what}"


def _notice(batch: Batch, kind: str, key: str) -> bool:
    """How many of what was asked were answered and failed; nothing of what was hidden or cancelled, which its person
    knows of."""
    rows = list(Prediction.objects.visible().filter(batch=batch).order_by("pk").values_list("status", "error"))
    answered = sum(status == Status.COMPLETED for status, _error in rows)
    errors = [error for status, error in rows if status == Status.FAILED]
    waiting = sum(status in Prediction.UNFINISHED for status, _error in rows)
    if not answered and not errors:
        return False
    reasons = list(dict.fromkeys(errors))
    tell(
        [batch.asked_by_id],
        kind,
        key,
        about=batch,
        answered=answered,
        failed=len(errors),
        waiting=waiting,
        reasons=reasons,
    )
    return True


def tell_what_should_be_read_now() -> None:
    """What is urgent and came back lately, at once. What was marked so is told to everybody who signs: who asked has
    said it. What the models found so would tell their answer, and is told to those alone who are shown that anyway."""
    fresh = Prediction.objects.visible().filter(status=Status.COMPLETED, is_validated=False)
    fresh = fresh.filter(finished_at__gt=timezone.now() - LATELY).standing().order_by("pk")
    _tell_each(fresh.filter(is_urgent=True), "read_now", "urgent", people_who(SIGN))
    _tell_each(fresh.filter(found_urgent(), is_urgent=False), "found_urgent", "found", shown_at_once())


def people_who(permission: str) -> QuerySet[User]:
    """Those who work here and may, by a role."""
    people = User.objects.with_perm(permission, backend=BY_ROLES, include_superusers=False)
    return people.filter(is_staff=True)


def shown_at_once() -> QuerySet[User]:
    """To whom the models' answers are shown, and not after their own."""
    return people_who(SEE).exclude(groups__role__reads_first=True)


def _tell_each(cases: PredictionQuerySet, kind: str, why: str, people: QuerySet[User]) -> None:
    by_key = {f"{why} {case.pk}": case for case in cases}
    if not by_key:
        return
    known = set(Notice.objects.filter(key__in=by_key).values_list("key", flat=True))
    if new := {key: case for key, case in by_key.items() if key not in known}:
        keys = list(people.values_list("pk", flat=True))
        for key, case in new.items():
            with transaction.atomic():
                tell(keys, kind, key, about=case, urgent=True)
