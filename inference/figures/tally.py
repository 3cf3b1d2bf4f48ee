"""What is counted of signed cases, and every figure that is made of it. Plain Python; no Django.

Cases are never held one by one: a `Cell` says how many there are of one kind, so that a figure of a hundred thousand
costs what one of a hundred does. The shares are those of shares.py, which accept a model too (of_models.py).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from inference.figures.shares import Kappa, OfAClass, Share, agreement, by_class, kappa
from inference.nn.calibration import BINS, Bin, calibration_error

__all__ = ["BINS", "Cell", "Tally", "tallied"]


@dataclass(frozen=True)
class Cell:
    """`n` cases that are alike: what is true, what was said (blank: nothing was), in which bin of BINS the confidence
    lies and whether it reaches the threshold; `confidence` is the sum of theirs."""

    truth: str
    said: str
    bin: int
    is_sure: bool
    n: int
    confidence: float


@dataclass
class Tally:
    """`counted` are cases with a truth and an answer; `unanswered` those of which no model said anything."""

    counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    bins: dict[int, Bin] = field(default_factory=dict)
    sure: int = 0
    sure_right: int = 0
    unanswered: int = 0

    def add(self, cell: Cell) -> None:
        if not cell.said:
            self.unanswered += cell.n
            return
        self.counted[cell.truth, cell.said] += cell.n
        right = cell.n if cell.truth == cell.said else 0
        one = self.bins.setdefault(min(max(cell.bin, 0), BINS - 1), Bin())
        one.cases, one.said, one.right = one.cases + cell.n, one.said + cell.confidence, one.right + right
        if cell.is_sure:
            self.sure, self.sure_right = self.sure + cell.n, self.sure_right + right

    @cached_property
    def cases(self) -> int:
        return sum(self.counted.values())

    @property
    def agreement(self) -> Share:
        return agreement(self.counted)

    @property
    def kappa(self) -> Kappa:
        return kappa(self.counted)

    def classes(self, labels: Iterable[str]) -> list[OfAClass]:
        return by_class(self.counted, labels)

    @property
    def calibration_error(self) -> float | None:
        return calibration_error(self.bins.values()) if self.cases else None

    @property
    def coverage(self) -> Share:
        """Those whose confidence reaches the threshold."""
        return Share(self.sure, self.cases)

    @property
    def right_when_sure(self) -> Share:
        return Share(self.sure_right, self.sure)

    def matrix(self, labels: Sequence[str]) -> list[list[int]]:
        """A row for each truth, a column for what was said."""
        return [[self.counted[truth, said] for said in labels] for truth in labels]


def tallied(cells: Iterable[Cell]) -> Tally:
    tally = Tally()
    for cell in cells:
        tally.add(cell)
    return tally
