"""Two answers about one film, an older and a newer: what changed between them, and why, as far as it is kept.

What is kept is each answer's provenance (worker.py) and each model's probabilities. In words first; the same as tables.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from backoffice.formats.lists import listed, told_of
from backoffice.lazy import LazyText
from backoffice.records.diffs import plain
from backoffice.records.relations import field_of
from inference.confidences import confidence_told, threshold_told
from inference.models import DiagnosticModel, ModelResult, Prediction
from inference.wording import SHORT, reasons_told

LIBRARIES = {"torch": "torch", "timm": "timm", "opencv": "OpenCV", "openvino": "OpenVINO", "cuda": "CUDA"}


@dataclass(frozen=True)
class Line:
    """One thing of both answers, as a table shows it."""

    what: LazyText
    before: str
    after: str

    @property
    def is_same(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class OfAModel:
    """What one model said, before and after; None where it was not asked. `moved` is the farthest that a probability
    moved."""

    name: str
    before: ModelResult | None
    after: ModelResult | None
    moved: float | None


@dataclass(frozen=True)
class Comparison:
    """`changed` says what the answers say otherwise, `why` what was otherwise when they were made."""

    changed: list[str]
    why: list[str]
    models: list[OfAModel]
    lines: list[Line]


def compared(before: Prediction, after: Prediction) -> Comparison:
    """Both are answered, with their `results` and the models at hand."""
    models = list(_models(before, after))
    why = list(_why(before.provenance, after.provenance))
    return Comparison(
        list(_changed(before, after, models)), why or [_unexplained(models)], models, list(_lines(before, after))
    )


def _models(before: Prediction, after: Prediction) -> Iterator[OfAModel]:
    was, now = ({result.model.name: result for result in one.results.all()} for one in (before, after))
    for name in sorted({*was, *now}):
        older, newer = was.get(name), now.get(name)
        yield OfAModel(name, older, newer, _moved(older, newer))


def _moved(older: ModelResult | None, newer: ModelResult | None) -> float | None:
    if older is None or newer is None:
        return None
    labels = {*older.probabilities, *newer.probabilities}
    return max((abs(older.probabilities.get(n, 0.0) - newer.probabilities.get(n, 0.0)) for n in labels), default=0.0)


# -- What the answers say ---------------------------------------------------------------------------------------------


def _changed(before: Prediction, after: Prediction, models: list[OfAModel]) -> Iterator[str]:
    was, now = (one.get_diagnosis_display() or _("no answer") for one in (before, after))
    if before.diagnosis == after.diagnosis:
        yield _("The diagnosis is the same: %(now)s.") % {"now": now}
    else:
        yield _("The diagnosis was %(was)s and is %(now)s.") % {"was": was, "now": now}
    if before.confidence is not None and after.confidence is not None:
        if before.confidence == after.confidence:
            yield _("The confidence is the same to the last bit.")
        else:
            told = {"was": confidence_told(before.confidence), "now": confidence_told(after.confidence)}
            yield _("The confidence was %(was)s and is %(now)s.") % told
    others = [
        told_of(one.name, f"{one.before.get_diagnosis_display()} → {one.after.get_diagnosis_display()}")
        for one in models
        if one.before and one.after and one.before.diagnosis != one.after.diagnosis
    ]
    if others:
        yield _("These models say something else: %(models)s.") % {"models": listed(others)}


# -- Why --------------------------------------------------------------------------------------------------------------


def _why(was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    if was.get("pixels_sha256") != now.get("pixels_sha256"):
        yield _("The picture that the models see of this film is another one.")
    yield from _why_models(_models_of(was), _models_of(now))
    moved = [
        told_of(name, f"{was[key]} → {now[key]}")
        for key, name in LIBRARIES.items()
        if key in was and key in now and was[key] != now[key]
    ]
    if moved:
        yield _("Libraries have other versions: %(libraries)s.") % {"libraries": listed(moved)}
    if "torch" in was and "torch" in now:
        if (was["device"], was["device_name"]) != (now["device"], now["device_name"]):
            told = {"was": was["device_name"], "now": now["device_name"]}
            yield _("It was computed on %(was)s, and is on %(now)s.") % told
        if (was["dtype"], was.get("ways")) != (now["dtype"], now.get("ways")):
            ways = list(_other_ways(was, now)) or [f"{was['dtype']} → {now['dtype']}"]
            yield _("It is computed in another way: %(ways)s.") % {"ways": listed(ways)}
    if was.get("threshold") != now.get("threshold") and "threshold" in was and "threshold" in now:
        told = {"was": threshold_told(was["threshold"]), "now": threshold_told(now["threshold"])}
        yield _("The threshold for review was %(was)s and is %(now)s.") % told


def _models_of(provenance: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in provenance.get("models", [])}


def _why_models(was: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> Iterator[str]:
    if gone := [name for name in was if name not in now]:
        yield _("No longer asked: %(models)s.") % {"models": listed(gone)}
    if added := [name for name in now if name not in was]:
        yield _("Not asked before: %(models)s.") % {"models": listed(added)}
    for name in (name for name in was if name in now):
        older, newer = was[name], now[name]
        if older["sha256"] != newer["sha256"]:
            versions = {"model": name, "was": older["version"], "now": newer["version"]}
            yield _("%(model)s has other weights: version %(now)s in place of %(was)s.") % versions
        if older.get("calibration") != newer.get("calibration"):
            yield _("%(model)s is calibrated otherwise.") % {"model": name}
        if _both(older, newer, "weight"):
            told = {"model": name, "was": f"{older['weight']:g}", "now": f"{newer['weight']:g}"}
            yield _("The vote of %(model)s weighed %(was)s and weighs %(now)s.") % told
        if _both(older, newer, "preprocessing"):
            fields = listed(_preprocessing(older["preprocessing"], newer["preprocessing"]))
            yield _("%(model)s sees films otherwise: %(fields)s.") % {"model": name, "fields": fields}


def _both(older: dict[str, Any], newer: dict[str, Any], key: str) -> bool:
    """Whether both say it, and differ: older answers do not keep everything."""
    return key in older and key in newer and older[key] != newer[key]


def _preprocessing(was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for name in DiagnosticModel.PREPROCESSING:
        if was.get(name) != now.get(name):
            field = field_of(DiagnosticModel, name)
            yield told_of(field.verbose_name, f"{plain(field, was.get(name))} → {plain(field, now.get(name))}")


def _other_ways(was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    ways_before, ways_now = was.get("ways", {}), now.get("ways", {})
    for name in sorted({*ways_before, *ways_now}):
        older, newer = ways_before.get(name, was["dtype"]), ways_now.get(name, now["dtype"])
        if older != newer:
            yield told_of(name, f"{older} → {newer}")


def _unexplained(models: list[OfAModel]) -> str:
    if all(one.moved == 0 for one in models):
        return _("Everything is the same to the last bit: the film, the models, and what computed them.")
    return _(
        "Nothing that is kept differs, and yet the probabilities do. See whether the morning check has noticed it."
    )


# -- As a table -------------------------------------------------------------------------------------------------------


def _lines(before: Prediction, after: Prediction) -> Iterator[Line]:
    was, now = before.provenance, after.provenance

    def line(what: LazyText, key: str, digits: int | None = None) -> Line:
        return Line(what, *(str(side.get(key, "–"))[:digits] for side in (was, now)))

    yield Line(_("Diagnosis"), *(one.get_diagnosis_display() or "–" for one in (before, after)))
    yield Line(
        _("Confidence"),
        *("–" if one.confidence is None else confidence_told(one.confidence) for one in (before, after)),
    )
    yield Line(_("Why it needs review"), *(reasons_told(one.review_reasons) for one in (before, after)))
    yield line(_("File (SHA-256)"), "file_sha256", SHORT)
    yield line(_("Pixels (SHA-256)"), "pixels_sha256", SHORT)
    yield line(_("Device"), "device_name")
    yield line(_("Precision"), "dtype")
    for key, name in LIBRARIES.items():
        if key in was or key in now:
            yield line(name, key)
    yield line(_("Threshold"), "threshold")
    older, newer = _models_of(was), _models_of(now)
    for name in sorted({*older, *newer}):
        yield Line(
            _("%(model)s: version and weights") % {"model": name},
            *(_version(side.get(name)) for side in (older, newer)),
        )


def _version(model: dict[str, Any] | None) -> str:
    return f"{model['version']} · {model['sha256'][:SHORT]}" if model else "–"
