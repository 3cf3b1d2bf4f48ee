"""Shares with their intervals, and what is made of how often which class was called which. Plain Python; no Django.

- Wilson's score interval (E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22,
  1927): it stays within 0–1 and covers what it promises where there are few, as the usual one does not.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backoffice.live.plain import plain

Z = 1.959963984540054  # of 95 %, two-sided
FEW = 30  # fewer tell little: at 30, an interval around 0.9 is 0.23 wide


@plain
@dataclass(frozen=True)
class Share:
    """`k` of `n`."""

    k: int
    n: int

    @property
    def value(self) -> float | None:
        """0–1; None where there are none to have a share of."""
        return self.k / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.k, self.n)

    @property
    def is_of_few(self) -> bool:
        return self.n < FEW


def wilson(k: int, n: int, z: float = Z) -> tuple[float, float]:
    """Return the score interval of a share of `k` in `n` (0 ≤ k ≤ n): of none, everything from 0 to 1."""
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no share")
    if not n:
        return 0.0, 1.0
    share = k / n
    middle = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # The bounds of none and of all are 0 and 1, which arithmetic misses by its last digit.
    low = 0.0 if k == 0 else (middle - spread) / scale
    high = 1.0 if k == n else (middle + spread) / scale
    return low, high


@dataclass(frozen=True)
class OfAClass:
    """`sensitivity`: of those that are of the class, how many are called so. `specificity`: of the others, how many are
    called otherwise."""

    label: str
    sensitivity: Share
    specificity: Share


Counted = Mapping[tuple[str, str], int]
"""How many cases there are of each (what it is, what was said)."""


def agreement(counted: Counted) -> Share:
    return Share(sum(n for (truth, said), n in counted.items() if truth == said), sum(counted.values()))


def by_class(counted: Counted, labels: Iterable[str]) -> list[OfAClass]:
    return [_of_a_class(counted, label) for label in labels]


def _of_a_class(counted: Counted, label: str) -> OfAClass:
    def having(is_of_it: bool, is_said: bool) -> int:
        return sum(
            n for (truth, said), n in counted.items() if (truth == label) == is_of_it and (said == label) == is_said
        )

    found, missed = having(True, True), having(True, False)
    left, called = having(False, False), having(False, True)
    return OfAClass(label, Share(found, found + missed), Share(left, left + called))


# -- Agreement beyond chance ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kappa:
    """Cohen's κ, −1 to 1, and its 95 % interval; None where it is not defined: one class alone on both sides."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def is_of_few(self) -> bool:
        return self.n < FEW


def kappa(counted: Counted) -> Kappa:
    """Cohen's κ (J. Cohen, A coefficient of agreement for nominal scales, Educ. Psychol. Meas. 20, 1960) with the
    large-sample standard error of Fleiss, Cohen and Everitt (Psychol. Bull. 72, 1969)."""
    n = sum(counted.values())
    if not n:
        return Kappa(None, None, None, 0)
    shares = {pair: count / n for pair, count in counted.items()}
    labels = {label for pair in counted for label in pair}
    true = {label: sum(p for (t, _s), p in shares.items() if t == label) for label in labels}
    said = {label: sum(p for (_t, s), p in shares.items() if s == label) for label in labels}
    observed = sum(p for (t, s), p in shares.items() if t == s)
    expected = sum(true[label] * said[label] for label in labels)
    if expected > 1 - 1e-12:
        return Kappa(None, None, None, n)
    value = (observed - expected) / (1 - expected)
    agreed = sum(
        shares.get((label, label), 0.0) * (1 - (true[label] + said[label]) * (1 - value)) ** 2 for label in labels
    )
    differed = (1 - value) ** 2 * sum(p * (said[t] + true[s]) ** 2 for (t, s), p in shares.items() if t != s)
    variance = (agreed + differed - (value - expected * (1 - value)) ** 2) / ((1 - expected) ** 2 * n)
    spread = Z * math.sqrt(max(0.0, variance))
    return Kappa(value, max(-1.0, value - spread), min(1.0, value + spread), n)
