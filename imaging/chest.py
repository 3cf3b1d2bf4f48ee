"""How a small picture lies beside the mean chest: turned, inverted, or several on one sheet.

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

# Correlations with the mean chest. A picture that is nothing of the kind has none with any turn of it.
LIKE_A_CHEST, BETTER_BY = 0.35, 0.15
LIKE_ONE_OF_SEVERAL, BETTER_THAN_THE_WHOLE = 0.3, 0.1


@dataclass(frozen=True)
class Chest:
    """`template` is the mean chest, INNER × INNER, of mean 0 and length 1."""

    template: np.ndarray

    @classmethod
    @cache
    def read(cls) -> "Chest":
        numbers = json.loads(NUMBERS.read_text())
        return cls(np.array(numbers["template"], np.float32))

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


def is_like_one(seen: np.ndarray) -> bool:
    return Chest.read().likeness(seen) >= LIKE_A_CHEST


def lies_as_chests_do(seen: np.ndarray) -> bool:
    """Whether it is like a chest, and no turn of it, nor its negative, is far more so."""
    return is_like_one(seen) and not any(turned_and_inverted(seen))


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
    return {"template": _inner(np.mean([small(picture) for picture in pictures], axis=0)).round(4).tolist()}


def _inner(seen: np.ndarray) -> np.ndarray:
    inner = seen[MARGIN:-MARGIN, MARGIN:-MARGIN]
    inner = inner - inner.mean()
    return inner / (np.sqrt((inner * inner).sum()) + 1e-6)
