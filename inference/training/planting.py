"""Opacities planted in films: a film and itself, with air displaced, differ by the finding and by no hospital.

As Sato et al. paste patches into lungs (Anatomy-aware self-supervised learning for anomaly detection in chest
radiographs, iScience 2023); here what is pasted is drawn as the phantoms' findings are: patches, haze of a lung or of
both, haze around the hila, fluid below, a coarse net. NumPy and OpenCV; no Django.
"""

from functools import cache

import cv2
import numpy as np

from imaging.chest import Chest
from inference.nn.lungs import ABOVE, BELOW, BESIDE

Random = np.random.Generator
DENSEST = 0.95  # of the air displaced
DARK, BRIGHT = 8, 80  # percentiles: air, and what is as dense as a heart
HILA = (0.36, 0.64)  # across; down: the middle


def planted(picture: np.ndarray, rng: Random) -> np.ndarray:
    """Return uint8 S×S, the lungs' box and a little around it (Fit.EVEN_LUNGS), with one or two opacities in its lungs.

    What takes the place of air turns as bright as the heart, and what lay behind it fades.
    """
    size = len(picture)
    seen = picture.astype(np.float32)
    soft = cv2.GaussianBlur(seen, (0, 0), size / 40)
    inner = slice(size // 8, size * 7 // 8)
    air, flesh = np.percentile(soft[inner, inner], (DARK, BRIGHT))
    shapes = [_shape(size, rng) for _ in range(rng.integers(1, 3))]
    displaced = np.clip(np.maximum.reduce(shapes), 0, DENSEST) * _aired(soft, air, flesh)
    displaced = cv2.GaussianBlur(displaced, (0, 0), size / 90)
    changed = seen + displaced * (flesh - soft) - displaced * rng.uniform(0.2, 1) * (seen - soft)
    return np.clip(changed, 0, 255).astype(np.uint8)


def _aired(soft: np.ndarray, air: float, flesh: float) -> np.ndarray:
    """Where there is air to displace, 0 to 1: dark, and where the mean chest has its lungs."""
    darkness = (air + 0.6 * (flesh - air) - soft) / (0.12 * (flesh - air) + 2)
    return np.clip(1.3 * _fields(len(soft)), 0, 1) / (1 + np.exp(-darkness))


@cache
def _fields(size: int) -> np.ndarray:
    """How dark the mean chest is, 0 to 1, in the box and what is shown around it."""
    height, width = round(size / (1 + ABOVE + BELOW)), round(size / (1 + 2 * BESIDE))
    dark = cv2.resize(-Chest.read().template, (width, height), interpolation=cv2.INTER_CUBIC)
    fields = np.zeros((size, size), np.float32)
    top, left = round(ABOVE * height), (size - width) // 2
    fields[top : top + height, left : left + width] = (dark - dark.min()) / np.ptp(dark)
    return fields


def _shape(size: int, rng: Random) -> np.ndarray:
    """The share of air that one opacity displaces, if all were air: float32 S×S."""
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j].astype(np.float32)
    side = int(rng.choice((-1, 1)))
    one_side = side * (x - 0.5) > 0
    match int(rng.integers(5)):
        case 0:  # a patch
            across = (x - 0.5 - side * rng.uniform(0.14, 0.32)) / rng.uniform(0.08, 0.2)
            down = (y - rng.uniform(0.2, 0.8)) / rng.uniform(0.08, 0.22)
            ragged = np.hypot(across, down) + 0.25 * _clouds(size, 8, rng)
            shape, density = 1 / (1 + np.exp((ragged - 1) * rng.uniform(3, 8))), rng.uniform(0.4, 1)
        case 1:  # haze
            shape = 1 + rng.choice((0, 0.15, 0.3)) * _clouds(size, 6, rng)
            shape, density = shape * one_side if rng.random() < 0.3 else shape, rng.uniform(0.2, 0.7)
        case 2:  # around the hila
            far = np.minimum(*(np.hypot(x - hilum, 0.8 * (y - 0.48)) for hilum in HILA)) / rng.uniform(0.12, 0.28)
            net = np.clip(1 - np.abs(_clouds(size, rng.uniform(16, 36), rng)), 0, 1)
            shape, density = np.exp(-(far**2)) * (0.5 + 0.7 * net), rng.uniform(0.4, 1)
        case 3:  # below
            level = rng.uniform(0.5, 0.75) + 0.03 * _clouds(size, 4, rng)
            shape = 1 / (1 + np.exp(-(y - level) / rng.uniform(0.02, 0.12)))
            shape, density = shape * one_side if rng.random() < 0.6 else shape, rng.uniform(0.4, 1)
        case _:  # a net
            shape = np.clip(0.3 + 0.7 * _clouds(size, rng.uniform(6, 14), rng), 0, 1)
            shape, density = shape + 0.3 * np.clip(_clouds(size, 30, rng), 0, 1), rng.uniform(0.3, 0.8)
    return (density * np.clip(shape, 0, 1)).astype(np.float32)


def _clouds(size: int, across: float, rng: Random) -> np.ndarray:
    """Smooth noise of deviation 1, with so many clouds across."""
    drawn = rng.normal(size=(max(2, int(across)),) * 2).astype(np.float32)
    clouds = cv2.resize(drawn, (size, size), interpolation=cv2.INTER_CUBIC)
    return clouds / (clouds.std() + 1e-6)
