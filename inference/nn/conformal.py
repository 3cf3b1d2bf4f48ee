"""Sets of diagnoses that hold the true one as often as is promised, whichever it is.

Split conformal prediction with a bound for each class of its own (Vovk, Conditional Validity of Inductive Conformal
Predictors, ACML 2012; as sets of least size: Sadinle, Lei and Wasserman, JASA 2019). A class belongs to the set where
its probability is no lower than nearly all cases of that class had it. The promise holds for cases like those that the
bounds were taken from, for each class apart, and needs so many of each: with fewer there is no bound, and the class can
never be left out. NumPy alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


def fewest_cases(coverage: float) -> int:
    """How many cases of a class a bound needs: 9 for a coverage of 0.9, 19 for 0.95."""
    return math.ceil(round(coverage / (1 - coverage), 9))


def bound(own: np.ndarray, coverage: float) -> float | None:
    """The lowest probability with which a class still belongs to the set. `own` are what its own cases gave it, N.
    None where they are too few to promise anything."""
    rank = math.ceil(round((len(own) + 1) * coverage, 9))
    return None if rank > len(own) else float(np.sort(own)[len(own) - rank])


def covered(own: np.ndarray, coverage: float) -> int | None:
    """Of a class's own cases, how many the bound from all others takes in. None where those are too few."""
    others = [bound(np.delete(own, index), coverage) for index in range(len(own))]
    if not others or any(one is None for one in others):
        return None
    return sum(bool(p >= one) for p, one in zip(own, others, strict=True))


@dataclass(frozen=True)
class PredictionSet:
    """The labels that belong to it, the likeliest first, and those with too few known cases to leave them out."""

    labels: list[str]
    undecided: list[str]


def prediction_set(probabilities: Mapping[str, float], bounds: Mapping[str, float | None]) -> PredictionSet:
    """`bounds` has one for each label that is known; a label without one is undecided."""
    likeliest = sorted(probabilities, key=lambda label: (-probabilities[label], label))
    return PredictionSet(
        [label for label in likeliest if _belongs(probabilities[label], bounds.get(label))],
        [label for label in likeliest if bounds.get(label) is None],
    )


def _belongs(probability: float, least: float | None) -> bool:
    return least is not None and probability >= least


def missing(counts: Mapping[str, int], labels: Sequence[str], coverage: float) -> dict[str, int]:
    """How many cases of each label are still missing for a bound, where any are."""
    needed = fewest_cases(coverage)
    return {label: needed - counts.get(label, 0) for label in labels if counts.get(label, 0) < needed}
