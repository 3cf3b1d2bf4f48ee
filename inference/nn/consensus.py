"""What several models say together, and whether a human must look. Plain Python; no Django."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

DEFAULT_THRESHOLD = 0.75


class Reason(StrEnum):
    """Why a case needs review; each comes with parameters, and is put into words elsewhere."""

    LOW_CONFIDENCE = "low_confidence"  # confidence, threshold
    MODELS_DISAGREE = "models_disagree"  # models: {name: diagnosis} of those that dissent
    PICTURE_UNSUITABLE = "picture_unsuitable"  # issues: [code, …]
    NO_CHEST = "no_chest"  # body_part: as the file names it
    NOT_FRONTAL = "not_frontal"  # view: code
    CHILD = "child"  # age
    NOT_A_FRONTAL_CHEST_FILM = "not_a_frontal_chest_film"  # likeness, threshold; no model was asked
    MOVED = "moved"  # to this patient from another, for whom it was signed
    DEMONSTRATION_MODEL = "demonstration_model"  # models: [name, …]


@dataclass(frozen=True)
class Vote:
    """One model's answer. `probabilities` are calibrated and sum to 1; `weight` is not negative."""

    model: str
    probabilities: Mapping[str, float]
    weight: float = 1.0
    is_demo: bool = False

    @property
    def diagnosis(self) -> str:
        return _most_likely(self.probabilities)


@dataclass(frozen=True)
class Consensus:
    """The models' joint answer.

    `probabilities` sum to 1 over every label any model knows, `confidence` is the diagnosis's,
    `agreement` is the share (0–1) of the models that vote with it, counted by heads.
    `reasons` are JSON-able: {"code": Reason, …its parameters}.
    """

    diagnosis: str
    confidence: float
    agreement: float
    probabilities: dict[str, float]
    reasons: list[dict[str, Any]]

    @property
    def needs_review(self) -> bool:
        return bool(self.reasons)


def decide(
    votes: Sequence[Vote],
    threshold: float = DEFAULT_THRESHOLD,
    quality_issues: Sequence[str] = (),
    said: Sequence[dict[str, Any]] = (),
) -> Consensus:
    """Return the weighted mean of the votes' probabilities as a consensus.

    A label that a model does not know counts as 0 there. Where all weights are 0 the votes
    count alike. Equal probabilities go to the label that comes first in the alphabet, so that
    the order of the models never matters. Raises ValueError without votes, on a negative
    weight, and on probabilities that are not finite or do not sum to 1. `said` are reasons that were known before
    anybody voted: from the file and the patient.
    """
    _check(votes)
    probabilities = _weighted_mean(votes)
    diagnosis = _most_likely(probabilities)
    confidence = probabilities[diagnosis]
    dissenters = {v.model: v.diagnosis for v in votes if v.diagnosis != diagnosis}
    demonstrations = [v.model for v in votes if v.is_demo]
    reasons = list(said)
    if confidence < threshold:
        reasons.append({"code": Reason.LOW_CONFIDENCE, "confidence": confidence, "threshold": threshold})
    if dissenters:
        reasons.append({"code": Reason.MODELS_DISAGREE, "models": dissenters})
    if quality_issues:
        reasons.append({"code": Reason.PICTURE_UNSUITABLE, "issues": list(quality_issues)})
    if demonstrations:
        reasons.append({"code": Reason.DEMONSTRATION_MODEL, "models": demonstrations})
    agreement = sum(v.diagnosis == diagnosis for v in votes) / len(votes)
    return Consensus(diagnosis, confidence, agreement, probabilities, reasons)


def _check(votes: Sequence[Vote]) -> None:
    if not votes:
        raise ValueError("a consensus needs at least one model's answer")
    for vote in votes:
        if not (math.isfinite(vote.weight) and vote.weight >= 0):
            raise ValueError(f"{vote.model}: a weight must be 0 or more, not {vote.weight}")
        values = vote.probabilities.values()
        if not all(math.isfinite(p) and p >= 0 for p in values) or abs(sum(values) - 1) > 1e-3:
            raise ValueError(f"{vote.model}: probabilities must be 0 or more and sum to 1")


def _weighted_mean(votes: Sequence[Vote]) -> dict[str, float]:
    labels = sorted({label for vote in votes for label in vote.probabilities})
    heaviest = max(vote.weight for vote in votes)
    # Relative to the heaviest, so that weights however small cannot vanish in the products.
    weights = [vote.weight / heaviest if heaviest else 1.0 for vote in votes]
    # fsum rounds once, so the order of the votes cannot move the last digit.
    sums = {
        label: math.fsum(w * v.probabilities.get(label, 0.0) for w, v in zip(weights, votes, strict=True))
        for label in labels
    }
    total = math.fsum(sums.values())
    return {label: value / total for label, value in sums.items()}


def _most_likely(probabilities: Mapping[str, float]) -> str:
    return min(probabilities, key=lambda label: (-probabilities[label], label))
