"""How a small picture lies beside the mean chest: turned, mirrored, inverted, or several on one sheet.

The mean chest is that of phantoms, so that no patient's film is in it; `fit_chest` makes it anew. NumPy and Pillow; no
Django. What the bounds find and what they mistake is counted in `quality.py`.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

NUMBERS = Path(__file__).parents[1] / "fixtures" / "chest.json"

EDGE, MARGIN = 32, 3  # pixels: a chest is known at a glance, and the border is collimation and paper
INNER = EDGE - 2 * MARGIN
RIDGE = 30.0  # of the regression that tells the sides apart: phantoms are more alike than people

# Correlations with the mean chest. A picture that is nothing of the kind has none with any turn of it.
LIKE_A_CHEST, BETTER_BY = 0.35, 0.15
LIKE_ONE_OF_SEVERAL, BETTER_THAN_THE_WHOLE = 0.3, 0.1

# The phantoms' hearts lie at 1 on their side, mirrored ones at -1.
ON_THE_OTHER_SIDE = -0.75


@dataclass(frozen=True)
class Chest:
    """`template` is the mean chest, INNER × INNER, of mean 0 and length 1; `sides` weighs what differs between its
    right and its left half, INNER × INNER/2."""

    template: np.ndarray
    sides: np.ndarray

    @classmethod
    @cache
    def read(cls) -> "Chest":
        numbers = json.loads(NUMBERS.read_text())
        return cls(*(np.array(numbers[name], np.float32) for name in ("template", "sides")))

    def likeness(self, small: np.ndarray) -> float:
        return float((_inner(small) * self.template).sum())


def small(picture: Image.Image, edge: int = EDGE) -> np.ndarray:
    """The picture in grey, float32 edge × edge."""
    return np.asarray(picture.resize((edge, edge), Image.Resampling.BOX), np.float32)


def turned_and_inverted(seen: np.ndarray) -> tuple[bool, bool]:
    """Whether a turn of `seen` (see `small`), or its negative, is far more like a chest than it is as it stands."""
    chest = Chest.read()
    likeness = [chest.likeness(np.rot90(seen, turn)) for turn in range(4)]
    ways = [*((value, turn > 0, False) for turn, value in enumerate(likeness))]
    ways += [(-value, turn > 0, True) for turn, value in enumerate(likeness)]
    best, is_turned, is_inverted = max(ways)
    is_better = best >= LIKE_A_CHEST and best >= likeness[0] + BETTER_BY
    return is_better and is_turned, is_better and is_inverted


def is_mirrored(seen: np.ndarray) -> bool:
    """Whether the heart lies on the other side, in a picture that is like a chest."""
    chest = Chest.read()
    if chest.likeness(seen) < LIKE_A_CHEST:
        return False
    return float((_sides(seen) * chest.sides).sum()) < ON_THE_OTHER_SIDE


def are_several(picture: Image.Image) -> bool:
    """Whether the halves or the quarters of a picture are each more like a chest than the whole is."""
    chest, seen = Chest.read(), small(picture, 2 * EDGE)
    whole = chest.likeness(small(picture))
    columns, rows = np.hsplit(seen, 2), np.vsplit(seen, 2)
    halves = (
        [part.reshape(EDGE, 2, EDGE).mean(1) for part in columns],
        [part.reshape(EDGE, EDGE, 2).mean(2) for part in rows],
        [quarter for part in columns for quarter in np.vsplit(part, 2)],
    )
    best = max(min(map(chest.likeness, parts)) for parts in halves)
    return best >= LIKE_ONE_OF_SEVERAL and best >= whole + BETTER_THAN_THE_WHOLE


def fitted(pictures: list[Image.Image]) -> dict[str, list]:
    """Return the numbers of a Chest, from pictures that are upright and not mirrored."""
    seen = [small(picture) for picture in pictures]
    mean = _inner(np.mean(seen, axis=0))
    apart = np.array([_sides(one).ravel() for one in seen])
    weights = np.linalg.solve(apart.T @ apart / len(apart) + RIDGE * np.eye(apart.shape[1]), apart.mean(0))
    weights /= (apart @ weights).mean()
    return {"template": mean.round(4).tolist(), "sides": weights.reshape(INNER, INNER // 2).round(4).tolist()}


def _inner(seen: np.ndarray) -> np.ndarray:
    inner = seen[MARGIN:-MARGIN, MARGIN:-MARGIN]
    inner = inner - inner.mean()
    return inner / (np.sqrt((inner * inner).sum()) + 1e-6)


def _sides(seen: np.ndarray) -> np.ndarray:
    """What the picture has more of at its left than at its right, in standard deviations."""
    inner = _inner(seen) * INNER
    return (inner - inner[:, ::-1])[:, : INNER // 2]
