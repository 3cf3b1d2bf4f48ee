"""Have films and answers shifted? Two samples, channel by channel, and the smallest shift that would have been seen.
NumPy; no Django.

As in Rabanser, Günnemann and Lipton, Failing Loudly (NeurIPS 2019): each number of an embedding, and each probability
that is given, by itself with a Kolmogorov–Smirnov test, and Bonferroni over all. Shares (a quality issue, a device)
by Fisher's exact test. The bound of a KS test is that of Dvoretzky, Kiefer and Wolfowitz for two samples (F. Wei and R.
Dudley, Two-sample DKW inequalities, Stat. Probab. Lett. 82, 2012): it holds for any number of films, and errs on the
side of silence.

A year of weekly checks, over all channels and both windows, raises a false alarm with a probability of FALSE_A_YEAR at
most: each test has its part of that.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np

FALSE_A_YEAR = 0.1
CHECKS_A_YEAR = 52
WINDOWS = 2
CHANNELS = 5
OF_A_CHANNEL = FALSE_A_YEAR / CHECKS_A_YEAR / WINDOWS / CHANNELS

NEWEST = 50  # films of the narrower window: a shift shows in so many, however many came in the week
FEWEST = 20  # films, below which nothing is said
FEWEST_REFERENCE = 100

DKW = 2.16863  # Wei and Dudley's constant
POWER = 0.8  # with which the smallest shift would have been seen


@dataclass(frozen=True)
class Numbers:
    """Several numbers of each film, float N×D: of the reference period, and now; NaN where a film has none. `names` are
    D, JSON-able."""

    reference: np.ndarray
    now: np.ndarray
    names: Sequence[Any]


@dataclass(frozen=True)
class Shares:
    """How many films have each of some properties: {name: k} of the reference's n films and of those of now."""

    reference: Mapping[str, int]
    reference_films: int
    now: Mapping[str, int]
    now_films: int


@dataclass(frozen=True)
class Found:
    """`strength` is 1 where the alarm begins, and more beyond. `most` names what shifted most and by how much.
    `smallest` is the smallest shift that would have been seen in four of five tries: in standard deviations of one
    number, or the share that a property of `usual` share would have had to reach; None where none would have been."""

    films: int
    reference_films: int
    strength: float
    most: dict[str, Any] = field(default_factory=dict)
    smallest: float | None = None
    usual: float | None = None

    @property
    def is_shifted(self) -> bool:
        return self.strength >= 1


# -- Numbers ----------------------------------------------------------------------------------------------------------


def of_numbers(numbers: Numbers, alpha: float = OF_A_CHANNEL) -> Found | None:
    """None where there is too little to say anything."""
    found = []
    for place, name in enumerate(numbers.names):
        was, now = (np.sort(side[~np.isnan(side)]) for side in (numbers.reference[:, place], numbers.now[:, place]))
        if len(was) >= FEWEST_REFERENCE and len(now) >= FEWEST:
            found.append((_log_p_of_gap(_gap(was, now), len(was), len(now)), name, was, now))
    if not found:
        return None
    log_p, name, was, now = min(found, key=lambda one: one[0])
    each = alpha / len(found)
    most = {"name": name, "was": float(np.median(was)), "is": float(np.median(now))}
    return Found(len(now), len(was), log_p / math.log(each), most, _smallest_step(len(was), len(now), each))


def _gap(these: np.ndarray, those: np.ndarray) -> float:
    """The largest distance of two empirical distribution functions; both sorted."""
    at = np.concatenate([these, those])
    return float(
        np.abs(
            np.searchsorted(these, at, "right") / len(these) - np.searchsorted(those, at, "right") / len(those)
        ).max()
    )


def _log_p_of_gap(gap: float, m: int, n: int) -> float:
    return min(0.0, math.log(DKW) - 2 * m * n / (m + n) * gap * gap)


def _smallest_step(m: int, n: int, alpha: float) -> float | None:
    """By how many standard deviations a normal number would have had to move."""
    together = m * n / (m + n)
    critical = math.sqrt(math.log(DKW / alpha) / (2 * together))
    # At the middle of two normals, δ apart, their distribution functions are 2Φ(δ/2) − 1 apart; what is counted there
    # of each sample strays by no more than a share of a half would.
    needed = critical + NormalDist().inv_cdf(POWER) / (2 * math.sqrt(together))
    return 2 * NormalDist().inv_cdf((1 + needed) / 2) if needed < 0.995 else None


# -- Shares -----------------------------------------------------------------------------------------------------------


def of_shares(shares: Shares, alpha: float = OF_A_CHANNEL) -> Found | None:
    """None where there is too little to say anything. A property that only one of the two has counts too."""
    m, n = shares.reference_films, shares.now_films
    if m < FEWEST_REFERENCE or n < FEWEST:
        return None
    names = sorted({*shares.reference, *shares.now})
    each = alpha / max(1, len(names))
    found = {name: _log_of_fisher(shares.reference.get(name, 0), m, shares.now.get(name, 0), n) for name in names}
    risen = {name: shares.now.get(name, 0) / n - shares.reference.get(name, 0) / m for name in names}
    # Where one has taken another's place, the one that came is named.
    worst = min(names, key=lambda name: (found[name], -risen[name], name), default=None)
    strength = found[worst] / math.log(each) if worst is not None else 0.0
    most = {} if worst is None else {
        "name": worst, "was": shares.reference.get(worst, 0) / m, "is": shares.now.get(worst, 0) / n,
    }  # fmt: skip
    # Of what is rare: that is where a machine's new fault shows.
    usual = min((k / m for k in shares.reference.values()), default=0.0)
    return Found(n, m, strength, most, _smallest_share(round(usual * m), m, n, each), usual)


def _log_of_fisher(k: int, m: int, j: int, n: int) -> float:
    """To so many digits that two which are equal are so."""
    return round(math.log(max(fisher(k, m, j, n), 1e-300)), 6)


def fisher(k: int, m: int, j: int, n: int) -> float:
    """The two-sided p of `j` in `n` beside `k` in `m`: twice the smaller tail, 1 at most (R. A. Fisher, The logic of
    inductive inference, J. R. Stat. Soc. 98, 1935)."""
    low, high = max(0, k + j - m), min(n, k + j)
    logs = np.array([_choose(n, i) + _choose(m, k + j - i) for i in range(low, high + 1)])
    chances = np.exp(logs - _choose(m + n, k + j))
    at = j - low
    return float(min(1.0, 2 * min(chances[: at + 1].sum(), chances[at:].sum())))


def _choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


@cache
def _smallest_share(k: int, m: int, n: int, alpha: float) -> float | None:
    """What share of the films of now would have been seen in POWER of the tries, where `k` of `m` were usual."""
    least = next((j for j in range(round(k / m * n), n + 1) if fisher(k, m, j, n) <= alpha), None)
    if least is None or least == 0:
        return None
    low, high = k / m, 1.0
    for _step in range(30):
        middle = (low + high) / 2
        if _reaches(least, n, middle) < POWER:
            low = middle
        else:
            high = middle
    return high


def _reaches(least: int, n: int, share: float) -> float:
    """The chance that so many of `n` or more have what has this share."""
    if share >= 1:
        return 1.0
    logs = np.array([_choose(n, j) for j in range(least, n + 1)])
    j = np.arange(least, n + 1)
    return float(np.exp(logs + j * math.log(share) + (n - j) * math.log1p(-share)).sum())


# -- Two windows of one channel ---------------------------------------------------------------------------------------


def stronger(found: Sequence[Found | None]) -> Found | None:
    """The window that shows more; of what neither shows, the one that would have seen the smaller shift."""
    known = [one for one in found if one]
    shifted = [one for one in known if one.is_shifted]
    if shifted:
        return max(shifted, key=lambda one: one.strength)
    return max(known, key=lambda one: one.films, default=None)
