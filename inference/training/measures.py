"""What labelled films say of answers: accuracy, sensitivity, AUC, calibration, with intervals. NumPy; no Django."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from inference.training.data import Sample

BINS = 10
RESAMPLES = 300
INTERVAL = (2.5, 97.5)  # percentiles
AGE_GROUPS = ((0, 18, "under 18"), (18, 40, "18 to 39"), (40, 65, "40 to 64"), (65, 131, "65 and over"))
FEWEST_IN_GROUP = 10  # films, below which a part's figures say nothing


def auc(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """The share of (positive, negative) pairs in which the positive's score is higher, ties half; None without both."""
    positive = positive.astype(bool)
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return None
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def calibration(probabilities: np.ndarray, truths: np.ndarray) -> tuple[float, list[dict[str, float]]]:
    """The expected calibration error of the top answers, and for each bin that has films its `said`, `right`, `films`.

    Guo et al., On Calibration of Modern Neural Networks, ICML 2017: ten bins of equal width.
    """
    said, right = probabilities.max(1), probabilities.argmax(1) == truths
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    bins = [
        {"said": float(said[own].mean()), "right": float(right[own].mean()), "films": int(own.sum())}
        for own in (place == n for n in range(BINS))
        if own.any()
    ]
    return sum(abs(b["said"] - b["right"]) * b["films"] for b in bins) / len(truths), bins


def figures(labels: Sequence[str], truths: np.ndarray, probabilities: np.ndarray, normal: int | None) -> dict[str, Any]:
    """Every figure of N answers. `truths` int N, `probabilities` N×classes; `normal` is the label without a finding.

    `balanced` is the mean of the sensitivities of the classes that are there. What cannot be measured, as a class is
    missing, is None.
    """
    answers = probabilities.argmax(1)
    ece, bins = calibration(probabilities, truths)
    classes = {}
    for n, label in enumerate(labels):
        own, said = truths == n, answers == n
        classes[label] = {
            "films": int(own.sum()),
            "sensitivity": _share(said[own]),
            "specificity": _share(~said[~own]),
            "auc": auc(probabilities[:, n], own),
        }
    found = [c["sensitivity"] for c in classes.values() if c["sensitivity"] is not None]
    abnormal = None if normal is None else auc(1 - probabilities[:, normal], truths != normal)
    return {
        "pictures": len(truths),
        "accuracy": float((answers == truths).mean()),
        "balanced": float(np.mean(found)),
        "log_loss": float(-np.log(probabilities[np.arange(len(truths)), truths].clip(1e-12)).mean()),
        "abnormal_auc": abnormal,
        "ece": ece,
        "reliability": bins,
        "recall": {label: c["sensitivity"] for label, c in classes.items() if c["sensitivity"] is not None},
        "classes": classes,
    }


def _share(right: np.ndarray) -> float | None:
    return float(right.mean()) if len(right) else None


def with_intervals(
    labels: Sequence[str], samples: Sequence[Sample], probabilities: np.ndarray, normal: int | None, seed: int = 0
) -> dict[str, Any]:
    """The figures of answers to `samples`, with 95 % intervals: [lowest, highest] by the figure's name.

    Patients are drawn again with replacement, not films: films of one patient are not new evidence.
    """
    truths = np.array([sample.label for sample in samples])
    found = figures(labels, truths, probabilities, normal)
    rows_of: dict[str, list[int]] = {}
    for row, sample in enumerate(samples):
        rows_of.setdefault(sample.patient or sample.name, []).append(row)
    patients = [np.array(rows) for rows in rows_of.values()]
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in SUMMARIES}
    for _ in range(RESAMPLES):
        rows = np.concatenate([patients[n] for n in rng.integers(len(patients), size=len(patients))])
        for name, summary in SUMMARIES.items():
            if (value := summary(truths[rows], probabilities[rows], normal)) is not None:
                drawn[name].append(value)
    found["patients"] = len(patients)
    found["intervals"] = {n: [float(v) for v in np.percentile(d, INTERVAL)] for n, d in drawn.items() if d}
    return found


def _accuracy(truths: np.ndarray, probabilities: np.ndarray, normal: int | None) -> float:
    return float((probabilities.argmax(1) == truths).mean())


def _balanced(truths: np.ndarray, probabilities: np.ndarray, normal: int | None) -> float:
    right = probabilities.argmax(1) == truths
    return float(np.mean([right[truths == n].mean() for n in np.unique(truths)]))


def _abnormal(truths: np.ndarray, probabilities: np.ndarray, normal: int | None) -> float | None:
    return None if normal is None else auc(1 - probabilities[:, normal], truths != normal)


Summary = Callable[[np.ndarray, np.ndarray, int | None], float | None]
SUMMARIES: dict[str, Summary] = {"accuracy": _accuracy, "balanced": _balanced, "abnormal_auc": _abnormal}


def by_part(
    labels: Sequence[str], samples: Sequence[Sample], probabilities: np.ndarray, normal: int | None
) -> dict[str, dict[str, dict[str, Any]]]:
    """The figures by source, view and age group, of each part that has at least FEWEST_IN_GROUP films."""
    kinds: dict[str, Callable[[Sample], str]] = {
        "source": lambda s: s.source, "view": lambda s: s.view, "age": lambda s: age_group(s.age)
    }  # fmt: skip
    found: dict[str, dict[str, dict[str, Any]]] = {}
    truths = np.array([sample.label for sample in samples])
    for kind, of in kinds.items():
        names = np.array([of(sample) for sample in samples])
        parts = {str(name): names == name for name in np.unique(names) if name}
        found[kind] = {
            name: figures(labels, truths[own], probabilities[own], normal)
            for name, own in parts.items()
            if own.sum() >= FEWEST_IN_GROUP
        }
    return {kind: parts for kind, parts in found.items() if parts}


def age_group(age: float | None) -> str:
    return next((name for low, high, name in AGE_GROUPS if age is not None and low <= age < high), "")
