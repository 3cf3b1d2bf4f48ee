"""Is this a frontal chest film at all? Asked of the picture before any model votes. NumPy and OpenCV; no Django.

A softmax divides its certainty among the diagnoses that it knows, so a network calls a hand or a page of text by one
of them. This looks only at what every frontal chest has: two dark fields beside a bright middle, above a bright belly,
the right way up, once. Measures of that, and of the box in which lungs would lie, go through a small network whose
numbers `train_gate` fits to phantoms and to drawn pictures of other things; four of them have bounds besides.

Only the threshold and the bounds were chosen on real films: of 600 it keeps out 1 %, and of 600 others, which nothing
was chosen on, 0.7 %; of 24 from elsewhere none. Of 540 drawn pictures with other seeds than those fitted it refuses
98.9 %: hands, limbs, skulls, portraits, text, screenshots, blanks, gradients, chessboards, negatives and drawn views
from the side all, noise 39 of 40, photographs 37 of 40. Of 150 real films that are turned on their side or upside
down it refuses all, of those turned by 45° 94 %, of negatives 99 %; two on a sheet, 60 of 60 side by side and 54 of
60 above each other. Of malformed and foreign files that can be read (test pictures, CT, MR, ultrasound) it lets none
in but the one chest film. No real film from the side, of a hand or of a skull was at hand: there these figures are of
drawings alone, and what file and patient say is asked besides (suitability.py).
"""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from inference.nn.lungs import fitted

NUMBERS = Path(__file__).parents[2] / "fixtures" / "gate.json"

EDGE = 32
SEEN_EDGE = 256  # the picture that the measures of texture are taken of
MARGINS = (0.0, 0.06, 0.12, 0.18)  # cut off around the picture: films have borders, and are framed widely or closely
# Of the first seven measures. Those of texture, halves and the way up keep out what a network lets pass; the others
# bound nothing.
LOWEST = np.array([-1.0, -0.05, -0.1, -1.0, -9.0, 0.05, 0.0])
HIGHEST = np.array([1.0, 2.0, 2.0, 1.0, 1.5, 0.45, 0.4])
ALIGNED_EDGE, GRID, CELLS, WAYS = 48, 8, 4, 8  # the lungs' box, its greys, and the cells and directions of its edges

BOUNDED, IN_THE_BOX = len(LOWEST), 3  # how many measures come first, and how many of the box before its greys

REACH = 3  # pixels of the small picture that a chest may lie too high or too low


@dataclass(frozen=True)
class Gate:
    """`template` is the mean chest, EDGE × EDGE; `mean` and `scale` have one number for each measure. The measures go
    through one layer of rectified units (`units` × measures) and are weighed there."""

    template: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    units: np.ndarray
    unit_bias: np.ndarray
    weights: np.ndarray
    bias: float
    threshold: float

    @classmethod
    def read(cls, path: Path = NUMBERS) -> "Gate":
        numbers = json.loads(path.read_text())
        names = ("template", "mean", "scale", "units", "unit_bias", "weights")
        arrays = {name: np.array(numbers[name]) for name in names}
        return cls(**arrays, bias=numbers["bias"], threshold=numbers["threshold"])

    def likeness(self, picture: np.ndarray) -> float:
        """How much uint8 H×W looks like a frontal chest film, 0 to 1; 0 where one measure alone says no."""
        return self.likeness_of(measures(picture, self.template))

    def likeness_of(self, seen: np.ndarray) -> float:
        """The same of what was measured."""
        bounded = seen[: len(LOWEST)]
        if (bounded < LOWEST).any() or (bounded > HIGHEST).any():
            return 0.0
        heard = np.maximum(self.units @ ((seen - self.mean) / self.scale) + self.unit_bias, 0)
        return float(1 / (1 + np.exp(-np.clip(heard @ self.weights + self.bias, -60, 60))))


def measures(picture: np.ndarray, template: np.ndarray) -> np.ndarray:
    """What is known of a picture; the higher the first five, the more it is one chest, upright. The first seven have
    bounds; the others describe the box in which lungs would lie."""
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
            *_in_the_box(picture),
        ]
    )


def _in_the_box(picture: np.ndarray) -> np.ndarray:
    """How well the mean chest fits its best box, how large that is, its greys, and which way its edges run (as in
    Dalal and Triggs, Histograms of Oriented Gradients, CVPR 2005)."""
    likeness, (top, bottom, left, right) = fitted(picture)
    box = picture[top:bottom, left:right]
    shrinks = min(box.shape) > ALIGNED_EDGE
    aligned = cv2.resize(box, (ALIGNED_EDGE,) * 2, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    grey = cv2.equalizeHist(aligned).astype(np.float32) / 255
    soft = cv2.GaussianBlur(grey, (0, 0), 1.5)
    across, down = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    steepness = np.hypot(across, down)
    way = (np.arctan2(down, across) % (2 * np.pi) / (2 * np.pi) * WAYS).astype(int) % WAYS
    edges = np.stack([_cells(steepness * (way == n), CELLS) for n in range(WAYS)], -1)
    edges *= CELLS**2 / (edges.sum() + 1e-6)
    size = (bottom - top) / picture.shape[0], (right - left) / picture.shape[1]
    return np.concatenate([[likeness, *size], _cells(grey, GRID).ravel(), np.sqrt(edges).ravel()])


def _cells(picture: np.ndarray, edge: int) -> np.ndarray:
    return cv2.resize(picture, (edge, edge), interpolation=cv2.INTER_AREA)


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
