"""Where in a film the lungs lie, as a box. NumPy and OpenCV; no Django.

What surrounds a chest — collimation, letters, arms, the hospital's own border — tells which machine took a film and
nothing of a disease. A network that never sees it cannot answer by it.
"""

from functools import cache

import cv2
import numpy as np

from imaging.chest import Chest

EDGE = 64  # px of the small picture that is searched
# The box that is looked for, in shares of the picture's edges: films are framed widely or closely.
SHARES = np.arange(0.45, 0.82, 0.05)
STRETCHED = 0.1  # of correlation, for each unit by which the box's shape differs from the picture's


# What is shown of a film beside the box, in shares of the box's edges: mostly below it, where fluid gathers.
ABOVE, BELOW, BESIDE = 0.07, 0.17, 0.12

Box = tuple[int, int, int, int]  # top, bottom, left, right; pixels


def lung_box(picture: np.ndarray) -> Box:
    """Return the box of uint8 H×W in which the mean chest's lungs fit best.

    There is always one, and it holds at least four tenths of either edge: whether the picture is a chest at all is the
    gate's question.
    """
    return fitted(picture)[1]


def around_lungs(picture: np.ndarray) -> Box:
    """Return the lungs' box and a little around it, as far as uint8 H×W reaches."""
    top, bottom, left, right = lung_box(picture)
    down, across = bottom - top, right - left
    height, width = picture.shape
    return (
        max(0, top - round(ABOVE * down)),
        min(height, bottom + round(BELOW * down)),
        max(0, left - round(BESIDE * across)),
        min(width, right + round(BESIDE * across)),
    )


def fitted(picture: np.ndarray) -> tuple[float, Box]:
    """Return the box as `lung_box` does, and how well the mean chest fits into it: a correlation."""
    small = cv2.resize(picture, (EDGE, EDGE), interpolation=cv2.INTER_AREA)
    seen = cv2.equalizeHist(small).astype(np.float32)
    best, likeness, found = -np.inf, 0.0, (0, EDGE, 0, EDGE)
    for height, width, chest in _chests():
        _, fit, _, (left, top) = cv2.minMaxLoc(cv2.matchTemplate(seen, chest, cv2.TM_CCOEFF_NORMED))
        worth = fit - STRETCHED * abs(width / height - 1)
        if worth > best:
            best, likeness, found = worth, fit, (top, top + height, left, left + width)
    edges = (picture.shape[0], picture.shape[0], picture.shape[1], picture.shape[1])
    top, bottom, left, right = (round(place / EDGE * edge) for place, edge in zip(found, edges, strict=True))
    return likeness, (top, max(bottom, top + 1), left, max(right, left + 1))


@cache
def _chests() -> list[tuple[int, int, np.ndarray]]:
    mean = Chest.read().template
    edges = [round(share * EDGE) for share in SHARES]
    return [(h, w, cv2.resize(mean, (w, h), interpolation=cv2.INTER_LINEAR)) for h in edges for w in edges]
