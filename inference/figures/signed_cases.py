"""What was signed, beside what the models said: counted in the database, and once for everybody who asks.

A film counts once, by its newest signature. What was rejected, or cannot be assessed, has no truth to compare with: it
is counted apart, and so is what no model answered. The number of queries is always the same; those that have to look
at each case (ages cannot be counted in SQL) read plain tuples.
"""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db.models import (
    Avg,
    BooleanField,
    Case,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    When,
)
from django.db.models.functions import Floor
from django.utils import timezone

from backoffice.live.computed_once import computed_once
from backoffice.live.versions import version_of, watch
from backoffice.models import User
from clinic.models import Patient
from imaging.models import XRayImage
from inference.figures.tally import BINS, Cell
from inference.models import (
    DiagnosticModel,
    ModelResult,
    Prediction,
    PredictionQuerySet,
    Reading,
    ReferenceStandard,
    ShadowAnswer,
)

KEPT_SECONDS = 600
WORTH = 20
"""For so many times as long as counting took, if that was long, what was counted is shown although a case was signed
meanwhile: in a large clinic somebody always signs, and one film in a hundred thousand moves no figure."""

WATCHED = (Prediction, XRayImage, Patient, Reading, ReferenceStandard, DiagnosticModel)
watch(*WATCHED)

AGES = ((0, 18), (18, 40), (40, 65), (65, 131))  # from, and below
TOGETHER = 0  # in place of a model's key: what all that vote say together

VIEW, SEX, AGE, DEVICE = PARTS = ("view", "sex", "age", "device")


@dataclass(frozen=True)
class Question:
    """Which cases: signed from `since` to `until`, both days included; by `readers`: blank for all, `group-<key>`, or
    `blind` and `open`, by how they were read; and where `asked_by` is somebody who reads first, those alone whose
    answer is open to them."""

    since: datetime.date | None = None
    until: datetime.date | None = None
    readers: str = ""
    asked_by: User | None = None

    @property
    def key(self) -> str:
        return f"{self.since}:{self.until}:{self.readers}:{self.asked_by and self.asked_by.pk}"


def between(question: Question, field: str) -> Q:
    """The question's days, by the clinic's clock."""
    found = Q()
    if question.since:
        found &= Q(**{f"{field}__gte": _midnight(question.since)})
    if question.until:
        found &= Q(**{f"{field}__lt": _midnight(question.until + datetime.timedelta(days=1))})
    return found


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))


def signed(question: Question) -> PredictionQuerySet:
    """The newest signature of each film."""
    cases = _open(Prediction.objects.visible().standing(), question)
    cases = cases.filter(between(question, "reviewed_at"), is_validated=True)
    by = question.readers
    if by in ("blind", "open"):
        read = Reading.objects.filter(
            prediction=OuterRef("pk"), reader=OuterRef("reviewed_by"), is_blind=by == "blind", hidden_at=None
        )
        cases = cases.filter(Exists(read.order_by()))
    elif by:
        members = User.groups.through.objects.filter(group_id=by.removeprefix("group-")).values("user_id")
        cases = cases.filter(reviewed_by__in=members)
    return cases.order_by()


def _open(cases: PredictionQuerySet, question: Question) -> PredictionQuerySet:
    return cases.answers_seen_by(question.asked_by) if question.asked_by else cases


def _with_truth(question: Question) -> PredictionQuerySet:
    return signed(question).exclude(final_diagnosis="")


def _kind(said: str, truth: str) -> dict[str, Any]:
    """By what answers are counted together; `said` leads to the answer's row, `truth` to the signature's."""
    confidence = f"{said}confidence"
    in_bins = ExpressionWrapper(Floor(F(confidence) * BINS), output_field=IntegerField())
    is_sure = Case(
        When(**{f"{confidence}__gte": settings.CONFIDENCE_THRESHOLD}, then=True),
        default=False,
        output_field=BooleanField(),
    )
    return {"truth": F(f"{truth}final_diagnosis"), "what": F(f"{said}diagnosis"), "in_bin": in_bins, "is_sure": is_sure}


def _cells(rows: QuerySet, who: str, *, said: str = "", truth: str = "") -> Iterator[tuple[Any, Cell]]:
    kind = _kind(said, truth)
    counted = rows.annotate(who=F(who), **kind).values_list("who", *kind).annotate(n=Count("pk"), c=Sum("confidence"))
    for key, true, what, in_bin, is_sure, n, confidence in counted.order_by():
        yield key, Cell(true, what, in_bin or 0, bool(is_sure), n, confidence or 0.0)


# -- What is asked once for everybody ---------------------------------------------------------------------------------


def once(name: str, question: Question, compute: Any) -> Any:
    return computed_once(
        f"figures:{name}:{question.key}:{settings.CONFIDENCE_THRESHOLD}",
        compute,
        version=lambda: f"{timezone.localdate()} {version_of(WATCHED)}",
        seconds=KEPT_SECONDS,
        worth=WORTH,
    )


def by_model(question: Question) -> dict[int, list[Cell]]:
    """Cells by the model's key, TOGETHER for all that voted: aloud, and silently in the shadow. Three queries."""

    def compute() -> list[list[Any]]:
        cases = _with_truth(question)
        found = [(TOGETHER, cell) for _who, cell in _cells(cases, "status")]
        told = {"prediction__in": cases.values("pk")}
        for rows in (ModelResult.objects.filter(hidden_at=None, **told), ShadowAnswer.objects.filter(**told)):
            found += _cells(rows, "model", truth="prediction__")
        return [[key, *_flat(cell)] for key, cell in found]

    return _by_first(once("models", question, compute))


def by_reader(question: Question) -> dict[int, list[Cell]]:
    """What all together said, by the key of who signed. One query."""

    def compute() -> list[list[Any]]:
        return [[key, *_flat(cell)] for key, cell in _cells(_with_truth(question), "reviewed_by")]

    return _by_first(once("readers", question, compute))


def _flat(cell: Cell) -> list[Any]:
    return [cell.truth, cell.said, cell.bin, cell.is_sure, cell.n, cell.confidence]


def _by_first(rows: Iterable[list[Any]]) -> dict[Any, list[Cell]]:
    found: dict[Any, list[Cell]] = {}
    for key, *cell in rows:
        found.setdefault(key, []).append(Cell(*cell))
    return found


def by_part(question: Question, model: int) -> dict[str, dict[str, list[Cell]]]:
    """Cells by view, sex, age group and device, of what one model said, or TOGETHER. One query, of each case."""

    def compute() -> list[list[Any]]:
        counted: Counter[tuple] = Counter()
        confidences: dict[tuple, float] = defaultdict(float)
        for truth, what, confidence, view, sex, born, taken_on, made, device in _each(question, model):
            is_sure = confidence is not None and confidence >= settings.CONFIDENCE_THRESHOLD
            in_bin = int((confidence or 0.0) * BINS)
            day = taken_on or timezone.localdate(made)
            key = (truth, what, in_bin, is_sure, view, sex, age_group(born, day), device)
            counted[key] += 1
            confidences[key] += confidence or 0.0
        return [[*key, n, confidences[key]] for key, n in counted.items()]

    found: dict[str, dict[str, list[Cell]]] = {part: {} for part in PARTS}
    for truth, what, in_bin, is_sure, *values, n, confidence in once(f"parts:{model}", question, compute):
        cell = Cell(truth, what, in_bin, is_sure, n, confidence)
        for part, value in zip(PARTS, values, strict=True):
            found[part].setdefault(value, []).append(cell)
    return found


def _each(question: Question, model: int) -> Iterator[tuple]:
    cases = _with_truth(question)
    of_film = ("xray__view", "xray__patient__sex", "xray__patient__date_of_birth", "xray__taken_on", "xray__created_at",
               "xray__device")  # fmt: skip
    if model == TOGETHER:
        rows = cases.values_list("final_diagnosis", "diagnosis", "confidence", *of_film)
        return rows.iterator(chunk_size=5000)
    columns = ["prediction__final_diagnosis", "diagnosis", "confidence", *(f"prediction__{name}" for name in of_film)]
    answers: Any = ShadowAnswer if _is_silent(model) else ModelResult
    rows = answers.objects.filter(model=model, prediction__in=cases.values("pk")).order_by().values_list(*columns)
    return rows.iterator(chunk_size=5000)


def _is_silent(model: int) -> bool:
    return DiagnosticModel.objects.filter(pk=model, stage=DiagnosticModel.Stage.SHADOW).exists()


def age_group(born: datetime.date | None, day: datetime.date) -> str:
    """`18-40`: from 18 and below 40, on that day. Blank where it is not known."""
    if born is None:
        return ""
    age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return next((f"{low}-{high}" for low, high in AGES if low <= age < high), "")


def without_truth(question: Question) -> dict[str, int]:
    """How many signed cases say nothing of what is true, by their verdict. One query."""
    rows = signed(question).filter(final_diagnosis="").values_list("verdict").annotate(n=Count("pk"))
    return dict(once("without-truth", question, lambda: list(rows.order_by())))


def totals(question: Question) -> dict[str, Any]:
    """Of everything that was asked in those days, signed or not: how many of each status, and of each diagnosis how
    many and how sure on average. Two queries."""

    def compute() -> dict[str, Any]:
        asked = Prediction.objects.visible().filter(between(question, "created_at")).order_by()
        answered = _open(asked.filter(status=Prediction.Status.COMPLETED), question)
        return {
            "statuses": list(asked.values_list("status").annotate(n=Count("pk"))),
            "diagnoses": list(answered.values_list("diagnosis").annotate(n=Count("pk"), mean=Avg("confidence"))),
        }

    return once("totals", replace(question, readers=""), compute)


def groups_of(readers: Iterable[int]) -> dict[str, set[int]]:
    """Keys of those of these readers who have each role, by the role's name; two roles count in both. One query."""
    found: dict[str, set[int]] = {}
    pairs = User.groups.through.objects.filter(user_id__in=list(readers))
    for user, group in pairs.values_list("user_id", "group__name"):
        found.setdefault(group, set()).add(user)
    return found


def reader_groups() -> list[tuple[int, str]]:
    return list(Group.objects.order_by("name").values_list("pk", "name"))
