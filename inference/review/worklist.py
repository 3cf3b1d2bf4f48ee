"""A day's reading: which case comes when.

Whoever has waited longer than MAX_WAIT_HOURS comes first of all, the longest wait first. Then comes what needs review,
and of that, as of the rest, what is urgent: marked so when it was asked about, or by what the models found, where the
clinic calls that urgent (URGENT_FINDINGS). Of equals the older comes first.

To whoever reads blind the order must not tell what the models say. Whether an answer needs review, and what was found,
follows from it, and one look at what stands before what would give it away; so for them neither counts. Every answer
that nobody has signed waits for them alike, by wait, then by what people marked urgent, then by age. That they do not
come to an urgent finding sooner by themselves is the price, and MAX_WAIT_HOURS its bound: no order that is finer helps,
for a case that passes an older one has said why. So others are called at once, whom the answer is open to (batches.py).
"""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.models import AccessEvent, User
from imaging.models import XRayImage
from inference.models import Prediction, PredictionQuerySet, Reading
from inference.models.predictions import found_urgent
from inference.review import readings, taking
from inference.review.blinding import reads_blind
from inference.review.taking import TakenError

LISTED = 200  # more than a day's reading
COUNTED = 1000
SECOND_READINGS = timedelta(days=30)
"""For how long after its signature a case is offered to second readers."""


class Show(models.TextChoices):
    ALL = "all", _("All")
    URGENT = "urgent", _("Urgent")
    MINE = "mine", _("Mine")
    SECOND = "second", _("Second readings")


def shown(text: str | None) -> Show:
    """What an address asks for; everything, where that is nothing of ours."""
    return Show(text) if text in Show.values else Show.ALL


def cases(user: User, show: Show) -> PredictionQuerySet:
    """What waits for this person, in no order."""
    if show == Show.SECOND:
        return _second_readings(user)
    waiting = Prediction.objects.to_read()
    if show == Show.URGENT:
        return waiting.filter(_urgent(is_blind=reads_blind(user)))
    if show == Show.MINE:
        return waiting.filter(Q(requested_by=user) | Q(taken_by=user, taken_until__gt=timezone.now()))
    return waiting


def _second_readings(user: User) -> PredictionQuerySet:
    """What colleagues have signed lately, and this person has not looked at since."""
    own = Reading.objects.order_by().filter(prediction=OuterRef("pk"), reader=user)
    begun = Exists(own.filter(is_blind=True, answered_at=None))
    film = ContentType.objects.get_for_model(XRayImage)
    looks = AccessEvent.objects.order_by().filter(content_type=film, object_id=OuterRef("xray"), user=user)
    has_looked = Exists(looks.filter(at__gte=OuterRef("reviewed_at")))
    signed = Prediction.objects.visible().filter(
        status=Prediction.Status.COMPLETED, is_validated=True, reviewed_at__gte=timezone.now() - SECOND_READINGS
    )
    return signed.exclude(reviewed_by=user).filter(Q(begun) | ~Q(Exists(own)) & ~Q(has_looked))


def for_everybody(most: int) -> list[int]:
    """The keys of the first cases in the order that tells nobody anything: for what is computed once for all."""
    return _in_order(Prediction.objects.to_read(), _groups(is_blind=True), most)


def _urgent(*, is_blind: bool) -> Q:
    marked = Q(is_urgent=True)
    return marked if is_blind else marked | found_urgent()


def waits_too_long() -> Q:
    return Q(created_at__lte=timezone.now() - timedelta(hours=settings.MAX_WAIT_HOURS))


def _groups(*, is_blind: bool) -> Iterator[Q]:
    """What comes first, what comes then, and so on; each case is in one of them."""
    too_long, urgent = waits_too_long(), _urgent(is_blind=is_blind)
    yield too_long
    by_need = [Q()] if is_blind else [Q(needs_review=True), Q(needs_review=False)]
    for need in by_need:
        yield ~too_long & need & urgent
        yield ~too_long & need & ~urgent


def keys_of(user: User, show: Show, most: int = LISTED) -> list[int]:
    """The keys of the first cases, in their order."""
    rows = cases(user, show)
    if show == Show.SECOND:
        return list(rows.order_by("reviewed_at", "pk").values_list("pk", flat=True)[:most])
    return _in_order(rows, _groups(is_blind=reads_blind(user)), most)


def _in_order(rows: PredictionQuerySet, groups: Iterator[Q], most: int) -> list[int]:
    """Each group is read by an index, and none that is not reached."""
    found: list[int] = []
    for group in groups:
        of_group = rows.filter(group).order_by("created_at", "pk").values_list("pk", flat=True)
        found += of_group[: most - len(found)]
        if len(found) >= most:
            break
    return found


def count(rows: PredictionQuerySet) -> int:
    """How many wait; beyond COUNTED nobody counts."""
    return rows.order_by()[: COUNTED + 1].count()


def after(user: User, show: Show, key: int | None) -> list[int]:
    """The keys of the cases in the order in which they follow that one, and at the end those before it."""
    keys = keys_of(user, show)
    if key not in keys:
        return keys
    at = keys.index(key)
    return [*keys[at + 1 :], *keys[:at]]


def before(user: User, show: Show, key: int | None) -> list[int]:
    return list(reversed(after(user, show, key)))


def take_first_of(keys: list[int], show: Show, *, by: User) -> Prediction | None:
    """The first of these that nobody else reads, taken, and what they had before given back; None where none is."""
    for key in keys:
        prediction = _begin_again(key, by) if show == Show.SECOND else _take(key, by)
        if prediction:
            taking.let_go(by=by, but=key)
            return prediction
    return None


def _take(key: int, by: User) -> Prediction | None:
    try:
        is_theirs = taking.take(key, by=by)
    except TakenError:
        return None
    return Prediction.objects.get(pk=key) if is_theirs else None


def _begin_again(key: int, by: User) -> Prediction | None:
    prediction = Prediction.objects.filter(pk=key).first()
    try:
        if prediction:
            readings.read_again(prediction, by=by)
    except readings.CannotReadError:
        return None
    return prediction
