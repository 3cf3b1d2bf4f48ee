"""What the models' answer did to those who had read the film by themselves, and what reading so costs in time. Plain
Python; no Django.

*Rescued*: wrong alone, right after the answer was shown. *Misled*: right alone, wrong after it. Each is a share of
those who could have been: of the wrong, and of the right. Intervals are Wilson's; they take cases as independent, which
those of one reader or one patient are not quite.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

from backoffice.live.plain import plain
from inference.figures.shares import FEW, Share, Z


@plain
@dataclass(frozen=True)
class Helped:
    """`rescued` is of those who were wrong alone, `misled` of those who were right alone; `alone` and `after` are the
    shares that were right."""

    rescued: Share
    misled: Share
    alone: Share
    after: Share

    @property
    def cases(self) -> int:
        return self.alone.n


def helped(read: Iterable[tuple[str, str, str]]) -> Helped:
    """`read` is (own, final, truth) of each case that was read blind, signed, and of which the truth is known."""
    wrong = rescued = right = misled = 0
    for own, final, truth in read:
        if own == truth:
            right += 1
            misled += final != truth
        else:
            wrong += 1
            rescued += final == truth
    cases = wrong + right
    return Helped(
        Share(rescued, wrong), Share(misled, right), Share(right, cases), Share(right - misled + rescued, cases)
    )


@plain
@dataclass(frozen=True)
class Took:
    """Seconds for a case: `middle` is the median."""

    n: int
    middle: float | None

    @property
    def is_of_few(self) -> bool:
        return self.n < FEW


def took(seconds: Sequence[float]) -> Took:
    return Took(len(seconds), median(seconds) if seconds else None)


@plain
@dataclass(frozen=True)
class Ratio:
    value: float
    low: float
    high: float


def times_as_long(these: Sequence[float], those: Sequence[float]) -> Ratio | None:
    """How many times as long `these` took as `those`, by their geometric means, with the 95 % interval; None where
    either has fewer than two. Times are skewed: their logarithms hardly."""
    these, those = [math.log(s) for s in these if s > 0], [math.log(s) for s in those if s > 0]
    if min(len(these), len(those)) < 2:
        return None
    apart = fmean(these) - fmean(those)
    spread = Z * math.sqrt(stdev(these) ** 2 / len(these) + stdev(those) ** 2 / len(those))
    return Ratio(*(math.exp(value) for value in (apart, apart - spread, apart + spread)))
