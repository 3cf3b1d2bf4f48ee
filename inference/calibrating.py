"""Calibrating the models that vote on cases whose truth is known, and what their calibration says of a new answer.

The arithmetic is in nn/calibration.py and nn/conformal.py. The truth is what a clinician signed, or a file's label.
Each answer keeps what it was calibrated by, so that old ones can be calibrated anew.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Prefetch, Q
from django.utils.translation import gettext_noop

from inference.models import Calibration, Diagnosis, DiagnosticModel, ModelResult, Prediction
from inference.nn import conformal
from inference.nn.calibration import Fitted, Kind, Scaling, entropy, figures, fit, log_of
from inference.nn.consensus import Consensus, Vote, decide

if TYPE_CHECKING:  # torch
    from inference.nn.engine import ModelAnswer


class HasChangedError(Exception):
    """The models are no longer those that were calibrated."""


# -- An answer, calibrated --------------------------------------------------------------------------------------------


def calibrated(answer: "ModelAnswer", vector_scaling: dict[str, list[float]]) -> "ModelAnswer":
    """The engine's answer, which a temperature is in already, with a model's vector scaling. Where that makes it
    another diagnosis, the map shows what speaks for the wrong one, and goes."""
    if not vector_scaling:
        return answer
    labels = list(answer.probabilities)
    logs = vector(vector_scaling, labels).apply(log_of(np.array([list(answer.probabilities.values())])))
    probabilities = dict(zip(labels, np.exp(logs[0]).tolist(), strict=True))
    diagnosis = max(probabilities, key=probabilities.__getitem__)
    return replace(
        answer,
        probabilities=probabilities,
        diagnosis=diagnosis,
        confidence=probabilities[diagnosis],
        heatmap=answer.heatmap if diagnosis == answer.diagnosis else None,
    )


def vector(vector_scaling: dict[str, list[float]], labels: Sequence[str]) -> Scaling:
    scales, biases = zip(*(vector_scaling[label] for label in labels), strict=True)
    return Scaling(np.array(scales), np.array(biases))


def how(model: DiagnosticModel) -> dict[str, Any]:
    """What an answer of this model is calibrated by, for its provenance."""
    return {"temperature": model.temperature} | ({"vector": model.vector_scaling} if model.vector_scaling else {})


def uncalibrated(probabilities: dict[str, float], made_by: dict[str, Any], labels: Sequence[str]) -> np.ndarray:
    """ln p as the network gave it, K, of what was answered and `how`."""
    logs = log_of(np.array([[probabilities[label] for label in labels]]))
    if made_by.get("vector"):
        logs = vector(made_by["vector"], labels).undo(logs)
    return Scaling.by_temperature(made_by["temperature"], len(labels)).undo(logs)[0]


# -- How doubtful an answer is ----------------------------------------------------------------------------------------


def ensemble_of(models: Sequence[DiagnosticModel]) -> list[dict[str, Any]]:
    """What makes an ensemble the same: a calibration holds for no other."""
    return [
        {"model": model.pk, "sha256": model.sha256, "weight": model.vote_weight, **how(model)}
        for model in sorted(models, key=lambda model: model.pk)
    ]


@dataclass
class Doubts:
    """What is said of each answer of a batch besides its confidence. What is the same for all is asked once."""

    models: Sequence[DiagnosticModel]

    @cached_property
    def calibration(self) -> Calibration | None:
        """The newest, where it was taken of exactly these models as they are now."""
        newest = Calibration.objects.order_by("-pk").first()
        return newest if newest and newest.ensemble == ensemble_of(self.models) else None

    @cached_property
    def missing(self) -> dict[str, int]:
        """Without a calibration: how many signed cases of each diagnosis one would still need."""
        signed = answered_by(self.models).values_list("final_diagnosis", flat=True)
        return conformal.missing(Counter(signed), Diagnosis.values, settings.PREDICTION_SET_COVERAGE)

    def of(self, consensus: Consensus) -> dict[str, Any]:
        """JSON-able: the entropy; the set of diagnoses that are not ruled out with its coverage, those that cannot be
        ruled out for want of cases; and how many of each are missing."""
        said: dict[str, Any] = {"entropy": entropy(consensus.probabilities)}
        if self.calibration is None:
            return said | {"coverage": settings.PREDICTION_SET_COVERAGE, "missing": self.missing}
        found = conformal.prediction_set(consensus.probabilities, self.calibration.bounds)
        return said | {
            "coverage": self.calibration.coverage,
            "cases": self.calibration.cases,
            "set": found.labels,
            "undecided": found.undecided,
            "missing": self.calibration.figures["missing"],
        }


# -- Cases whose truth is known ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """`raw` has each model's uncalibrated ln p, K in the order of its labels, by the model's key."""

    truth: str
    patient: object
    raw: dict[int, np.ndarray]


def answered_by(models: Sequence[DiagnosticModel]) -> Any:
    """Signed answers that stand, the newest of each film, to which each of these models contributed with the weights
    that it has now."""
    voted = Q(results__model__in=models, results__model_sha256=F("results__model__sha256"))
    signed = Prediction.objects.visible().standing().filter(is_validated=True)
    signed = signed.exclude(final_diagnosis="")  # rejected, or not assessable: what is true is not known
    return signed.annotate(voted=Count("results", filter=voted)).filter(voted=len(models)).order_by("pk")


def signed_cases(models: Sequence[DiagnosticModel]) -> list[Case]:
    """Those of the signed answers of which it is known what they were calibrated by."""
    results = ModelResult.objects.filter(model__in=models).defer("heatmap")
    answered = answered_by(models).select_related("xray").prefetch_related(Prefetch("results", results))
    return [case for prediction in answered if (case := _case(prediction, models))]


def _case(prediction: Prediction, models: Sequence[DiagnosticModel]) -> Case | None:
    made_by = {(one["name"], one["sha256"]): one.get("calibration") for one in prediction.provenance.get("models", [])}
    given = {result.model_id: result.probabilities for result in prediction.results.all()}
    raw = {}
    for model in models:
        calibration = made_by.get((model.name, model.sha256))
        if not calibration or set(given[model.pk]) != set(model.labels):
            return None
        raw[model.pk] = uncalibrated(given[model.pk], calibration, model.labels)
    return Case(prediction.final_diagnosis, prediction.xray.patient_id, raw)


# -- Calibrating ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OfOneModel:
    """`before` and `after` are figures (nn/calibration.py), `after` of cases held out of the fit."""

    model: DiagnosticModel
    fitted: Fitted
    cases: int
    before: dict[str, float]
    after: dict[str, float]


@dataclass(frozen=True)
class Found:
    """What calibrating would do. Nothing is written yet."""

    models: list[DiagnosticModel]
    ensemble: list[dict[str, Any]]
    of_each: list[OfOneModel]
    cases: int
    before: dict[str, float]
    after: dict[str, float]
    counts: dict[str, int]
    bounds: dict[str, float | None]
    covered: dict[str, int | None]
    coverage: float
    mean_size: float
    missing: dict[str, int] = field(default_factory=dict)

    @property
    def changes(self) -> list[OfOneModel]:
        return [one for one in self.of_each if one.fitted.kind != Kind.KEPT]


def calibrate(models: Sequence[DiagnosticModel], cases: Sequence[Case], coverage: float) -> Found:
    """Fit what pays to these cases, and measure everything on cases held out. Raises ValueError without any case."""
    if not cases:
        raise ValueError("no cases")
    of_each = [_of_one(model, cases) for model in models]
    before = _consensus(models, cases, [_in_force(model, cases) for model in models])
    after = _consensus(models, cases, [one.fitted.held_out for one in of_each])
    own = {label: np.array([row[label] for row, case in zip(after, cases, strict=True) if case.truth == label])
           for label in Diagnosis.values}  # fmt: skip
    bounds = {label: conformal.bound(values, coverage) for label, values in own.items()}
    counts = {label: len(values) for label, values in own.items()}
    sets = [conformal.prediction_set(row, bounds) for row in after]
    return Found(
        models=list(models),
        ensemble=ensemble_of(models),
        of_each=of_each,
        cases=len(cases),
        before=_joint_figures(before, cases),
        after=_joint_figures(after, cases),
        counts=counts,
        bounds=bounds,
        covered={label: conformal.covered(values, coverage) for label, values in own.items()},
        coverage=coverage,
        mean_size=float(np.mean([len(one.labels) + len(one.undecided) for one in sets])),
        missing=conformal.missing(counts, Diagnosis.values, coverage),
    )


def _of_one(model: DiagnosticModel, cases: Sequence[Case]) -> OfOneModel:
    known = [index for index, case in enumerate(cases) if case.truth in model.labels]
    raw = np.array([case.raw[model.pk] for case in cases])
    in_force = _in_force(model, cases)
    truths = np.array([model.labels.index(cases[index].truth) for index in known], int)
    if not known:
        return OfOneModel(model, Fitted(Kind.KEPT, None, in_force), 0, {}, {})
    fitted = fit(raw[known], in_force[known], truths, [cases[index].patient for index in known])
    held_out = in_force if fitted.scaling is None else fitted.scaling.apply(raw)
    held_out = held_out.copy()
    held_out[known] = fitted.held_out
    return OfOneModel(
        model,
        replace(fitted, held_out=held_out),
        len(known),
        figures(in_force[known], truths),
        figures(fitted.held_out, truths),
    )


def _in_force(model: DiagnosticModel, cases: Sequence[Case]) -> np.ndarray:
    logs = Scaling.by_temperature(model.temperature, len(model.labels)).apply(
        np.array([case.raw[model.pk] for case in cases])
    )
    return vector(model.vector_scaling, model.labels).apply(logs) if model.vector_scaling else logs


def _consensus(
    models: Sequence[DiagnosticModel], cases: Sequence[Case], logs: Sequence[np.ndarray]
) -> list[dict[str, float]]:
    """What the models would say together about each case: a probability for each diagnosis."""
    return [
        dict.fromkeys(Diagnosis.values, 0.0)
        | decide(
            [
                Vote(model.name, dict(zip(model.labels, np.exp(rows[index]).tolist(), strict=True)), model.vote_weight)
                for model, rows in zip(models, logs, strict=True)
            ]
        ).probabilities
        for index in range(len(cases))
    ]


def _joint_figures(answers: Sequence[dict[str, float]], cases: Sequence[Case]) -> dict[str, float]:
    labels = Diagnosis.values
    table = np.array([[answer[label] for label in labels] for answer in answers])
    return figures(log_of(table), np.array([labels.index(case.truth) for case in cases]))


@transaction.atomic
def write(found: Found, *, source: str = "") -> Calibration:
    """Put it in force: the models' temperatures and vector scalings, with history, and the bounds. Raises
    HasChangedError where the models that vote are others by now."""
    locked = {m.pk: m for m in DiagnosticModel.objects.voting().select_for_update(of=("self",), no_key=True)}
    if ensemble_of(list(locked.values())) != found.ensemble:
        raise HasChangedError
    for one in found.changes:
        model, scaling = locked[one.model.pk], one.fitted.scaling
        if scaling is None:
            continue
        is_vector = one.fitted.kind == Kind.VECTOR
        pairs = zip(scaling.scales.tolist(), scaling.biases.tolist(), strict=True)
        model.temperature = 1.0 if is_vector else float(1 / scaling.scales[0])
        model.vector_scaling = dict(zip(model.labels, map(list, pairs), strict=True)) if is_vector else {}
        model._change_reason = gettext_noop("Calibrated")
        model.save()
    return Calibration.objects.create(
        source=source,
        cases=found.cases,
        coverage=found.coverage,
        bounds=found.bounds,
        figures=figures_of(found),
        ensemble=ensemble_of(list(locked.values())),
    )


def figures_of(found: Found) -> dict[str, Any]:
    each = [
        {"name": str(one.model), "kind": one.fitted.kind, "cases": one.cases, "before": one.before, "after": one.after}
        for one in found.of_each
    ]
    return {
        "models": each,
        "before": found.before,
        "after": found.after,
        "counts": found.counts,
        "covered": found.covered,
        "mean_size": found.mean_size,
        "missing": found.missing,
    }
