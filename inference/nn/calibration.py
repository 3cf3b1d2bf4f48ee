"""Probabilities that mean what they say: fitted to cases whose truth is known, measured on those held out of the fit.

NumPy; no Django, no torch. `logs` are natural logarithms of probabilities, float N×K, a row for each case and a column
for each label; `truths` are int N, the column that is true; `groups` are N names, and cases of one name (a patient) are
never on both sides of a fit.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

LEAST = 1e-300
"""What a probability of 0 counts as where its logarithm is taken."""

COLDEST, HOTTEST = 0.25, 10.0
"""Temperatures are kept within."""

# To what anything is fitted. Cases that are all answered rightly say nothing of how sure a model may be: the fit would
# end at the coldest.
FEWEST_CASES, FEWEST_WRONG = 30, 5
FOLDS = 5
PAYS = 2.0
BINS = 15
RIDGE = 1.0  # of a vector scaling: as much as one case, it draws towards the temperature alone


def log_of(probabilities: np.ndarray) -> np.ndarray:
    return log_softmax(np.log(np.clip(probabilities, LEAST, None)))


def log_softmax(values: np.ndarray) -> np.ndarray:
    shifted = values - values.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


@dataclass(frozen=True)
class Scaling:
    """p' ∝ exp(scale · ln p + bias), with a scale and a bias for each label.

    One scale for all and no bias is temperature scaling, scale = 1 / temperature (Guo et al., On Calibration of Modern
    Neural Networks, ICML 2017). With one for each it is their vector scaling, taken of ln p, which unlike logits has no
    free constant: the diagonal case of Dirichlet calibration (Kull et al., Beyond temperature scaling, NeurIPS 2019).
    Scales are positive.
    """

    scales: np.ndarray
    biases: np.ndarray

    @classmethod
    def by_temperature(cls, temperature: float, labels: int) -> "Scaling":
        return cls(np.full(labels, 1 / temperature), np.zeros(labels))

    def apply(self, logs: np.ndarray) -> np.ndarray:
        return log_softmax(logs * self.scales + self.biases)

    def undo(self, logs: np.ndarray) -> np.ndarray:
        """Return the `logs` of which `apply` made these.

        What the softmax took from a row is the one number that makes the row's probabilities sum to 1 again. Their sum
        grows with it, so it is found by halving. Where all scales are alike, any number does.
        """
        if (self.scales == self.scales[0]).all():
            return log_softmax((logs - self.biases) / self.scales)
        low = np.full((len(logs), 1), -1e4)
        high = -low
        for _step in range(80):
            middle = (low + high) / 2
            with np.errstate(over="ignore"):
                too_much = np.exp((logs - self.biases + middle) / self.scales).sum(1, keepdims=True) > 1
            low, high = np.where(too_much, low, middle), np.where(too_much, middle, high)
        return log_softmax((logs - self.biases + low) / self.scales)


# -- Fitting ----------------------------------------------------------------------------------------------------------


def log_losses(logs: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """−ln of what each case's truth was given, in nats."""
    return -logs[np.arange(len(truths)), truths]


def fit_temperature(logs: np.ndarray, truths: np.ndarray) -> Scaling:
    """The one temperature that makes the truths most likely, COLDEST to HOTTEST.

    The loss is convex in 1/temperature, so that halving its slope's sign finds it.
    """
    low, high = 1 / HOTTEST, 1 / COLDEST
    true = logs[np.arange(len(truths)), truths]
    for _step in range(60):
        scale = (low + high) / 2
        expected = (np.exp(log_softmax(logs * scale)) * logs).sum(1)
        low, high = (low, scale) if (expected - true).mean() > 0 else (scale, high)
    return Scaling.by_temperature(2 / (low + high), logs.shape[1])


def fit_vector(logs: np.ndarray, truths: np.ndarray) -> Scaling:
    """A scale and a bias for each label, by Newton's method; RIDGE draws them towards the one temperature."""
    count, labels = logs.shape
    start = fit_temperature(logs, truths)
    rest = np.concatenate([start.scales, start.biases])
    values, ridge = rest.copy(), RIDGE / count
    hot = np.eye(labels)[truths]
    # Of label k, output k alone depends on its scale and its bias: by ln p, and by 1.
    slopes = np.stack([logs, np.ones_like(logs)])
    for _step in range(50):
        p = np.exp(log_softmax(logs * values[:labels] + values[labels:]))
        slope = np.concatenate([(side * (p - hot)).mean(0) for side in slopes]) + ridge * (values - rest)
        spread = np.einsum("nk,kl->nkl", p, np.eye(labels)) - p[:, :, None] * p[:, None, :]
        curve = np.block([[np.einsum("nk,nkl,nl->kl", a, spread, b) / count for b in slopes] for a in slopes])
        step = np.linalg.solve(curve + ridge * np.eye(2 * labels), slope)
        step *= min(1.0, 1 / np.abs(step).max()) if step.any() else 1.0
        values = values - step
        values[:labels] = np.clip(values[:labels], 1 / HOTTEST, 1 / COLDEST)
        if np.abs(step).max() < 1e-8:
            break
    return Scaling(values[:labels], values[labels:])


class Kind(StrEnum):
    KEPT = "kept"
    TEMPERATURE = "temperature"
    VECTOR = "vector"


FITS: dict[Kind, Callable[[np.ndarray, np.ndarray], Scaling]] = {
    Kind.TEMPERATURE: fit_temperature,
    Kind.VECTOR: fit_vector,
}


@dataclass(frozen=True)
class Fitted:
    """What pays: `scaling` from all cases, None where what is in force is kept. `held_out` are the `logs` that each
    case got from a fit without its fold."""

    kind: Kind
    scaling: Scaling | None
    held_out: np.ndarray


def fit(raw: np.ndarray, in_force: np.ndarray, truths: np.ndarray, groups: Sequence[object]) -> Fitted:
    """Choose by the likelihood of cases held out: a temperature has to beat what is `in_force`, and a vector scaling
    the best before it, each by more than PAYS standard errors of the difference. `raw` are uncalibrated."""
    best, held_out = Kind.KEPT, in_force
    wrong = int((raw.argmax(1) != truths).sum())
    if len(truths) >= FEWEST_CASES and wrong >= FEWEST_WRONG and len(set(groups)) > 1:
        fold_of = folds(truths, groups)
        for kind, fit_one in FITS.items():
            tried = cross_fitted(fit_one, raw, truths, fold_of)
            gains = log_losses(held_out, truths) - log_losses(tried, truths)
            if gains.mean() > PAYS * gains.std(ddof=1) / len(gains) ** 0.5:
                best, held_out = kind, tried
    return Fitted(best, FITS[best](raw, truths) if best in FITS else None, held_out)


def cross_fitted(
    fit_one: Callable[[np.ndarray, np.ndarray], Scaling], raw: np.ndarray, truths: np.ndarray, fold_of: np.ndarray
) -> np.ndarray:
    """Each case's `logs` by a fit to the other folds."""
    tried = np.empty_like(raw)
    for fold in np.unique(fold_of):
        out = fold_of == fold
        tried[out] = fit_one(raw[~out], truths[~out]).apply(raw[out])
    return tried


def folds(truths: np.ndarray, groups: Sequence[object]) -> np.ndarray:
    """A fold for each case, int N: whole groups, each where the fewest cases of its first one's label are. The same
    groups in the same order always fall alike."""
    names = list(dict.fromkeys(groups))
    order = np.random.default_rng(0).permutation(len(names))
    held = np.zeros((min(FOLDS, len(names)), int(truths.max()) + 1), int)
    members: dict[object, list[int]] = {name: [] for name in names}
    for index, name in enumerate(groups):
        members[name].append(index)
    fold_of = np.empty(len(truths), int)
    for turn in order:
        cases = members[names[turn]]
        fold = min(range(len(held)), key=lambda one: (held[one, truths[cases[0]]], held[one].sum()))
        fold_of[cases] = fold
        np.add.at(held[fold], truths[cases], 1)
    return fold_of


# -- Measuring --------------------------------------------------------------------------------------------------------


@dataclass
class Bin:
    """Cases whose confidence lies in one part of 0 to 1: how many, the sum of their confidences, how many are right."""

    cases: int = 0
    said: float = 0.0
    right: int = 0


def calibration_error(bins: Iterable[Bin]) -> float:
    """How far confidence and accuracy lie apart, 0 to 1: their distance within each bin of confidence, weighted by its
    cases (Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015). Of few cases it
    reads too high. Raises ZeroDivisionError without any."""
    bins = list(bins)
    return sum(abs(one.right - one.said) for one in bins) / sum(one.cases for one in bins)


def expected_calibration_error(logs: np.ndarray, truths: np.ndarray, bins: int = BINS) -> float:
    """`calibration_error` of cases one by one, in so many bins of equal width."""
    confidences, right = np.exp(logs.max(1)), logs.argmax(1) == truths
    bin_of = np.minimum((confidences * bins).astype(int), bins - 1)
    kept = [(bin_of == one) for one in np.unique(bin_of)]
    return calibration_error(Bin(int(own.sum()), float(confidences[own].sum()), int(right[own].sum())) for own in kept)


def figures(logs: np.ndarray, truths: np.ndarray) -> dict[str, float]:
    return {
        "log_loss": float(log_losses(logs, truths).mean()),
        "ece": expected_calibration_error(logs, truths),
        "accuracy": float((logs.argmax(1) == truths).mean()),
    }


def entropy(probabilities: Mapping[str, float]) -> float:
    """How little is decided, 0 to 1: Shannon's entropy as a share of the most that so many labels can have."""
    values = np.array([p for p in probabilities.values() if p > 0])
    return float(-(values * np.log(values)).sum() / np.log(len(probabilities))) if len(probabilities) > 1 else 0.0
