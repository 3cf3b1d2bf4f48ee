"""Is this a frontal chest film at all? Asked of the picture before any model votes. NumPy and OpenCV; no Django.

A softmax divides its certainty among the diagnoses that it knows, so a network calls a hand or a page of text by one
of them. This looks only at what every frontal chest has: two dark fields beside a bright middle, above a bright belly,
the right way up, once. A few measures of that must lie where real films lie, and go through a logistic regression
whose numbers `train_gate` fits to phantoms and to drawn pictures of other things.

Bounds and threshold were chosen on 700 of 3 589 real films, so that none of 24 others is kept out, and with an eye on
the drawn pictures below: none of these figures is of data held back. Of 1 500 drawn anew from the 3 589, some among
the 700, it keeps out 21 (1.4 %). Real films that are turned or negative it keeps out all (120 of each), two
on a sheet 60 of 60 side by side and 55 of 60 above each other. Of drawn pictures (40 of each kind, with other seeds
than those fitted): blanks, gradients, chessboards, text, screenshots, portraits and views from the side all, noise and
limbs 97 %, photographs 90 %, hands 68 %, skulls 55 %. No real film from the side was at hand. So it misses some that a
person would not: what file and patient say is asked besides (suitability.py).
"""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

NUMBERS = Path(__file__).parents[2] / "fixtures" / "gate.json"

EDGE = 32
SEEN_EDGE = 256  # the picture that the measures of texture are taken of
MARGINS = (0.0, 0.06, 0.12, 0.18)  # cut off around the picture: films have borders, and are framed widely or closely
# The lowest and the highest that a real film had, save one in a hundred: the measures in their order.
LOWEST = np.array([0.25, 0.02, -0.1, -0.1, -0.6, 0.05, 0.0])
HIGHEST = np.array([1.0, 2.0, 2.0, 1.0, 1.5, 0.45, 0.4])

REACH = 3  # pixels of the small picture that a chest may lie too high or too low


@dataclass(frozen=True)
class Gate:
    """`template` is the mean chest, EDGE × EDGE; the other arrays have one number for each measure."""

    template: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: float
    threshold: float

    @classmethod
    def read(cls, path: Path = NUMBERS) -> "Gate":
        numbers = json.loads(path.read_text())
        arrays = {name: np.array(numbers[name]) for name in ("template", "mean", "scale", "weights")}
        return cls(**arrays, bias=numbers["bias"], threshold=numbers["threshold"])

    def likeness(self, picture: np.ndarray) -> float:
        """How much uint8 H×W looks like a frontal chest film, 0 to 1; 0 where one measure alone says no."""
        seen = measures(picture, self.template)
        if (seen < LOWEST).any() or (seen > HIGHEST).any():
            return 0.0
        seen = (seen - self.mean) / self.scale
        return float(1 / (1 + np.exp(-np.clip(seen @ self.weights + self.bias, -60, 60))))


def measures(picture: np.ndarray, template: np.ndarray) -> np.ndarray:
    """What the regression is told of a picture; the higher the first five, the more it is one chest, upright."""
    fit = best_fit(picture, template)
    grey = standard(small(picture))
    fine = cv2.resize(picture, (SEEN_EDGE, SEEN_EDGE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.array(
        [
            fit,
            fit - best_fit(picture[::-1], template),
            fit - _best_half(picture, template),
            (grey * grey[:, ::-1]).mean(),
            min(_darkness_beside_the_middle(grey), 1.5),
            _roughness(fine),
            _flatness(fine),
        ]
    )


def small(picture: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """The picture without its margins, EDGE × EDGE."""
    height, width = picture.shape
    down, across = int(margin * height), int(margin * width)
    cut = picture[down : height - down, across : width - across]
    return cv2.resize(cut, (EDGE, EDGE), interpolation=cv2.INTER_AREA).astype(np.float64)


def best_fit(picture: np.ndarray, template: np.ndarray) -> float:
    """The correlation with the mean chest, wherever in the picture it is highest."""
    inner = slice(REACH, EDGE - REACH)
    chest, best = standard(template[inner, inner]), -1.0
    for margin in MARGINS:
        grey = small(picture, margin)
        for down in (-REACH, 0, REACH):
            window = grey[REACH + down : EDGE - REACH + down, inner]
            best = max(best, float((standard(window) * chest).mean()))
    return best


def _best_half(picture: np.ndarray, template: np.ndarray) -> float:
    """Where each half is a chest, it is a sheet of several films."""
    height, width = picture.shape
    beside = picture[:, : width // 2], picture[:, width // 2 :]
    above = picture[: height // 2], picture[height // 2 :]
    return max(min(best_fit(half, template) for half in halves) for halves in (beside, above))


def _darkness_beside_the_middle(grey: np.ndarray) -> float:
    """How much darker the lighter of two lungs is than what lies between them, in standard deviations."""
    rows = slice(EDGE // 4, EDGE * 5 // 8)
    middle = grey[rows, EDGE * 7 // 16 : EDGE * 9 // 16].mean()
    left, right = grey[rows, EDGE // 5 : EDGE * 3 // 8], grey[rows, EDGE * 5 // 8 : EDGE * 4 // 5]
    return float(middle - max(left.mean(), right.mean()))


def _roughness(fine: np.ndarray) -> float:
    """The share of the contrast that lies in details: high in text and noise."""
    contrast = fine.std()
    return float((fine - cv2.GaussianBlur(fine, (0, 0), 4)).std() / contrast) if contrast > 1e-6 else 2.0


def _flatness(fine: np.ndarray) -> float:
    """The share of pixels like all their neighbours: high in what was drawn on a screen."""
    kernel = np.ones((3, 3), np.uint8)
    return float((cv2.dilate(fine, kernel) - cv2.erode(fine, kernel) < 1).mean())


def standard(grey: np.ndarray) -> np.ndarray:
    """With mean 0 and deviation 1; what is all one grey stays 0."""
    centred = grey - grey.mean()
    deviation = centred.std()
    return centred / deviation if deviation > 1e-6 else np.zeros_like(centred)
