"""Whether a chest is mirrored: which side the heart, the arch of the aorta and the higher half of the diaphragm lie on.

The lungs are first brought to one place, or what differs from film to film is mostly where they lie. What is seen there
and in the mirrored picture is weighed and subtracted, so that a mirrored film scores exactly the opposite. NumPy and
Pillow; no Django. `fit_sides` makes the weights anew, from films that are upright; no film can be made out in them.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from imaging.chest import Chest

NUMBERS = Path(__file__).parents[1] / "fixtures" / "sides.json"

EDGE = 64  # pixels of the picture that is looked at
GLANCE = 13  # … of a part of it, beside the mean chest

# Where lungs may lie: what part of the picture they take, how wide beside their height, and how far off its middle.
SIZES, PROPORTIONS = (0.75, 0.85, 0.95), (0.9, 1.0, 1.1)
ACROSS, DOWN = range(-6, 7, 2), range(-6, 7, 3)
OUTSIDE = 6  # pixels: the picture may have cut them

SEEN, GREYS, CELL = 52, 26, 6  # pixels of the lungs, of their greys, and of a cell of edges
FAINT = 4  # grey levels a pixel: what is no edge
EDGES_COUNT = 1.6  # beside the greys, which have larger numbers

# Of mirrored films those below it are found, and of sound ones hardly any lie there: see `quality.py`.
RIDGE, FALSE_ALARMS = 0.03, 0.005


def score(picture: Image.Image) -> float:
    """How surely a chest lies as chests do: above 0 if so, and the same number below it for its mirror image."""
    weights, _bound = _numbers()
    return float(features(picture) @ weights)


def are_exchanged(picture: Image.Image) -> bool:
    return score(picture) < _numbers()[1]


def features(picture: Image.Image) -> np.ndarray:
    """What is seen of the lungs, less what is seen of the mirror image: float64, of one length."""
    small = np.asarray(picture.resize((EDGE, EDGE), Image.Resampling.BOX), np.float32)
    return _seen(small) - _seen(small[:, ::-1])


def fitted(differences: np.ndarray) -> np.ndarray:
    """Return the weights that make most of the `differences` positive, which are a row for each sound film's features:
    logistic regression with a ridge, by Newton's method."""
    scale = differences.std()
    rows, weights = differences / scale, np.zeros(differences.shape[1])
    for _step in range(10):
        doubt = 1 / (1 + np.exp(np.clip(rows @ weights, -30, 30)))
        gradient = RIDGE * weights - (rows * doubt[:, None]).mean(0)
        curvature = (rows * (doubt * (1 - doubt))[:, None]).T @ rows / len(rows) + RIDGE * np.eye(rows.shape[1])
        weights -= np.linalg.solve(curvature, gradient)
    return weights / scale


@cache
def _numbers() -> tuple[np.ndarray, float]:
    numbers = json.loads(NUMBERS.read_text())
    return np.array(numbers["weights"]), numbers["bound"]


def _seen(small: np.ndarray) -> np.ndarray:
    lungs = np.asarray(
        Image.fromarray(small).resize((SEEN, SEEN), Image.Resampling.BILINEAR, box=_where_lungs_lie(small)), np.float64
    )
    greys = lungs.reshape(GREYS, SEEN // GREYS, GREYS, SEEN // GREYS).mean((1, 3)).ravel()
    ranks = greys.argsort(kind="stable").argsort(kind="stable") / greys.size - 0.5
    return np.concatenate([ranks, EDGES_COUNT * _edges(lungs)])


def _edges(lungs: np.ndarray) -> np.ndarray:
    """Of each cell how much it grows brighter to the right, to the left, downwards and upwards."""
    margin = SEEN % CELL // 2
    down, right = np.gradient(lungs[margin : SEEN - margin, margin : SEEN - margin])
    steepness = np.hypot(down, right) + FAINT
    ways = [np.maximum(way, 0) / steepness for way in (right, -right, down, -down)]
    cells = len(down) // CELL
    return np.concatenate([way.reshape(cells, CELL, cells, CELL).mean((1, 3)).ravel() for way in ways])


def _where_lungs_lie(small: np.ndarray) -> tuple[float, float, float, float]:
    """Left, top, right and bottom, within the picture, of the part that is most like a chest of either side."""
    boxes, places = _places()
    parts = _smoothed(small).ravel()[places]
    parts -= parts.mean(1, keepdims=True)
    likeness = parts @ _either_side() / (np.sqrt((parts * parts).sum(1)) + 1e-6)
    left, top, right, bottom = boxes[likeness.argmax()]
    return max(0, left), max(0, top), min(EDGE, right), min(EDGE, bottom)


@cache
def _either_side() -> np.ndarray:
    template = Chest.read().template
    template = (template + template[:, ::-1]) / 2
    template = template.reshape(GLANCE, 2, GLANCE, 2).mean((1, 3)).ravel()
    return template / np.sqrt((template * template).sum())


@cache
def _places() -> tuple[np.ndarray, np.ndarray]:
    """The parts that are tried, and for each of them which pixels are looked at."""
    boxes = []
    for size in SIZES:
        for proportion in PROPORTIONS:
            width, height = EDGE * size * min(1, proportion), EDGE * size / max(1, proportion)
            for across in ACROSS:
                for down in DOWN:
                    left, top = (EDGE - width) / 2 + across, (EDGE - height) / 2 + down
                    boxes.append((left, top, left + width, top + height))
    kept = np.array([box for box in boxes if min(box) >= -OUTSIDE and max(box) <= EDGE + OUTSIDE])
    steps = (np.arange(GLANCE) + 0.5) / GLANCE
    columns, rows = (
        np.clip((kept[:, [axis]] + (kept[:, [axis + 2]] - kept[:, [axis]]) * steps).astype(int), 0, EDGE - 1)
        for axis in range(2)
    )
    return kept, (rows[:, :, None] * EDGE + columns[:, None, :]).reshape(len(kept), -1)


def _smoothed(small: np.ndarray) -> np.ndarray:
    """The mean of each pixel and its eight neighbours."""
    padded = np.pad(small, 1, mode="edge")
    down = padded[:-2] + padded[1:-1] + padded[2:]
    return (down[:, :-2] + down[:, 1:-1] + down[:, 2:]) / 9
