"""Do the newest films and answers still look as in the reference period? Once a week, and when somebody asks.

A film counts once, with the first answer about it: who asks again about an old one brings no new film. What is hidden
counts nowhere, from the next look on.
"""

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.models import User
from inference.figures import shifts
from inference.figures.shifts import Found, Numbers, Shares
from inference.models import Diagnosis, DriftCheck, DriftReference, Embedding, ModelResult, Prediction
from inference.nn.consensus import Reason

MOST = 1000  # films of either period: more would tell no more, and take longer
WEEK = datetime.timedelta(weeks=1)
REFUSED = "refused"  # among a film's issues: no model was asked, as the picture is no frontal chest film

PICTURES, TOGETHER, EACH, QUALITY, DEVICES = CHANNELS = ("pictures", "together", "each", "quality", "devices")


class TooFewFilmsError(Exception):
    """No reference was set. The message says why, and what to do."""


# -- The period that others are compared with -------------------------------------------------------------------------


def reference_in_force() -> DriftReference | None:
    return DriftReference.objects.order_by("-pk").first()


@transaction.atomic
def set_reference(*, by: User | None, reason: str, days: int) -> DriftReference:
    """Let the films of the last `days` be what others are compared with from now on. Raises TooFewFilmsError."""
    now = timezone.now()
    starts_at = now - datetime.timedelta(days=days)
    films = len(_Films.between(starts_at, now).rows)
    if films < shifts.FEWEST_REFERENCE:
        raise TooFewFilmsError(
            _("%(films)d films were answered in that time. It takes %(fewest)d to compare with: choose more days.")
            % {"films": films, "fewest": shifts.FEWEST_REFERENCE}
        )
    return DriftReference.objects.create(starts_at=starts_at, ends_at=now, films=films, reason=reason, set_by=by)


# -- Looking ----------------------------------------------------------------------------------------------------------


def look_weekly() -> str:
    """What the weekly schedule calls; a job's result is kept as text."""
    check = look()
    return "no reference period" if check is None else f"drifting: {check.is_drifting}"


def look(at: datetime.datetime | None = None) -> DriftCheck | None:
    """Compare, and keep what was found; None where no reference is set. `at`: as things stood then."""
    reference = reference_in_force()
    if reference is None:
        return None
    now = at or timezone.now()
    before = _Films.between(reference.starts_at, reference.ends_at)
    since = _Films.between(reference.ends_at, now)
    of_the_week = since.later_than(now - WEEK)
    newest = since.newest(shifts.NEWEST)
    windows = [newest, of_the_week] if len(of_the_week.rows) > len(newest.rows) else [newest]
    channels = [
        _channel(name, shifts.stronger([_compared(name, before, films) for films in windows])) for name in CHANNELS
    ]
    return DriftCheck.objects.create(
        at=now,
        reference=reference,
        films=max(len(films.rows) for films in windows),
        channels=channels,
        models_changed=_models_changed(before, newest),
        is_drifting=any(one["is_shifted"] for one in channels),
    )


def _channel(name: str, found: Found | None) -> dict[str, Any]:
    if found is None:
        return {"channel": name, "is_shifted": False}
    return {"channel": name, "is_shifted": found.is_shifted, **asdict(found)}


def _compared(name: str, before: "_Films", films: "_Films") -> Found | None:
    if name == QUALITY:
        return shifts.of_shares(_shares(before, films, lambda row: row.issues))
    if name == DEVICES:
        return shifts.of_shares(_shares(before, films, lambda row: [row.device]))
    was, now = (side.numbers[name] for side in (before, films))
    names = sorted({*was.names, *now.names})
    return shifts.of_numbers(Numbers(was.of(names), now.of(names), names))


def _shares(before: "_Films", films: "_Films", of: Any) -> Shares:
    was, now = (Counter(name for row in side.rows for name in of(row)) for side in (before, films))
    return Shares(was, len(before.rows), now, len(films.rows))


def _models_changed(before: "_Films", films: "_Films") -> list[list[str]]:
    was, now = before.versions, films.versions
    return [
        [name, ", ".join(sorted(was.get(name, set()))), ", ".join(sorted(now.get(name, set())))]
        for name in sorted({*was, *now})
        if now and was.get(name) != now.get(name)
    ]


# -- What is read of the films ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    key: int
    at: datetime.datetime
    device: str
    issues: list[str]
    together: dict[str, float]


@dataclass(frozen=True)
class _Table:
    """Numbers by name, of each film by its key."""

    keys: Sequence[int]
    by_name: dict[str, dict[int, float]]

    @property
    def names(self) -> Iterable[str]:
        return self.by_name

    def of(self, names: Sequence[str]) -> np.ndarray:
        """float N×D; NaN where a film has none."""
        columns = [[self.by_name.get(name, {}).get(key, np.nan) for key in self.keys] for name in names]
        return np.array(columns, np.float64).reshape(len(names), len(self.keys)).T

    def only(self, keys: Sequence[int]) -> "_Table":
        return _Table(keys, self.by_name)


@dataclass(frozen=True)
class _Films:
    """The newest first."""

    rows: list[_Row]
    numbers: dict[str, _Table]
    results: list[tuple[int, str, str]]

    @classmethod
    def between(cls, since: datetime.datetime, until: datetime.datetime) -> "_Films":
        """Four queries, whatever there is."""
        earlier = Prediction.objects.filter(
            xray=OuterRef("xray"), status=Prediction.Status.COMPLETED, pk__lt=OuterRef("pk")
        )
        answered = Prediction.objects.visible().filter(
            ~Exists(earlier.order_by()), status=Prediction.Status.COMPLETED, created_at__gt=since, created_at__lte=until
        )
        found = answered.order_by("-created_at", "-pk").values_list(
            "pk", "created_at", "xray__device", "xray__quality_issues", "review_reasons", "provenance__probabilities"
        )
        rows = [
            _Row(key, at, device, _issues(issues, reasons), together or {})
            for key, at, device, issues, reasons, together in found[:MOST]
        ]
        keys = [row.key for row in rows]
        results = list(
            ModelResult.objects.filter(prediction__in=keys, hidden_at=None)
            .order_by()
            .values_list("prediction", "model__name", "model__version", "probabilities")
        )
        return cls(
            rows,
            {
                PICTURES: _Table(keys, _looks(keys)),
                TOGETHER: _Table(keys, _together(rows)),
                EACH: _Table(keys, _each(results, {row.key: row.together for row in rows})),
            },
            [(key, name, version) for key, name, version, _probabilities in results],
        )

    def later_than(self, when: datetime.datetime) -> "_Films":
        return self._only([row for row in self.rows if row.at > when])

    def newest(self, n: int) -> "_Films":
        return self._only(self.rows[:n])

    def _only(self, rows: list[_Row]) -> "_Films":
        keys = [row.key for row in rows]
        kept = set(keys)
        tables = {name: table.only(keys) for name, table in self.numbers.items()}
        return _Films(rows, tables, [one for one in self.results if one[0] in kept])

    @property
    def versions(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for _key, name, version in self.results:
            found.setdefault(name, set()).add(version)
        return found


def _issues(of_the_film: list[str], reasons: list[dict]) -> list[str]:
    refused = any(reason["code"] == Reason.NOT_A_FRONTAL_CHEST_FILM for reason in reasons)
    return [*of_the_film, *([REFUSED] if refused else [])]


def _looks(keys: Sequence[int]) -> dict[str, dict[int, float]]:
    kept = Embedding.objects.filter(prediction__in=keys, made_by=Embedding.MADE_BY)
    found: dict[str, dict[int, float]] = {}
    for key, numbers in kept.values_list("prediction", "numbers"):
        for place, value in enumerate(np.frombuffer(bytes(numbers), Embedding.DTYPE).tolist()):
            found.setdefault(f"{place:02d}", {})[key] = value
    return found


def _together(rows: Sequence[_Row]) -> dict[str, dict[int, float]]:
    return {
        label: {row.key: row.together.get(label, 0.0) for row in rows if row.together} for label in Diagnosis.values
    }


def _each(
    results: Iterable[tuple[int, str, str, dict[str, float]]], together: dict[int, dict[str, float]]
) -> dict[str, dict[int, float]]:
    """How far each model is from what all say together, 0 to 1, by its name: the total variation distance. Other
    weights in the place of one may be as sure of as many films as those before, but of others."""
    found: dict[str, dict[int, float]] = {}
    for key, model, _version, probabilities in results:
        if (joint := together[key]) and isinstance(probabilities, dict):
            apart = sum(abs(p - probabilities.get(label, 0.0)) for label, p in joint.items()) / 2
            found.setdefault(model, {})[key] = apart
    return found
