"""Synthetic chest radiographs: numbers drawn from a seed, no patient behind any of them.

A phantom is an attenuation map in body coordinates, seen through a randomly placed and
exposed detector. `x` runs from the patient's right to the left (image left to right, as
radiographs are hung), `y` downwards; one unit is about the half-width of the picture.
A finding takes the place of air in the lungs, as disease does.

Numpy and OpenCV only; no Django.
"""

import numpy as np

from imaging.phantom_anatomy import (
    HALF_EXTENT,
    HILUM_X,
    HILUM_Y,
    Patient,
    draw_patient,
    draw_vessels,
    smooth_noise,
    step,
)

DIAGNOSES = ("COVID", "Normal", "Viral Pneumonia", "Lung Opacity")

SMALLEST = 64  # px; below this ribs and vessels are gone


def render(diagnosis: str, seed: int, size: int | None = None) -> np.ndarray:
    """Return a phantom as uint8 H×W, brighter where less radiation came through.

    `diagnosis` is one of DIAGNOSES. `size` is the longer side in pixels (at least 64);
    without it one is drawn. The same arguments give the same picture, and one seed gives
    the same patient whatever the diagnosis. Raises ValueError for an unknown diagnosis.
    """
    return render_with_mask(diagnosis, seed, size)[0]


def render_with_mask(diagnosis: str, seed: int, size: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the phantom as `render` does, and where its finding lies.

    The mask is float32 H×W in 0–1: the share of the lung's air that the finding displaced.
    """
    if diagnosis not in FINDINGS:
        raise ValueError(f"unknown diagnosis {diagnosis!r}; one of: {', '.join(DIAGNOSES)}")
    anatomy, finding, camera = np.random.default_rng(seed).spawn(3)
    longer = int(camera.integers(560, 1025)) if size is None else size
    if longer < SMALLEST:
        raise ValueError(f"size must be at least {SMALLEST} px, not {size}")
    patient = draw_patient(anatomy, longer)
    displaced = np.clip(FINDINGS[diagnosis](patient, finding), 0, 1) * patient.lungs
    attenuation = patient.tissue - patient.air * (1 - displaced)
    return _photograph(attenuation, displaced, longer, camera)


# --- Findings: the share of air displaced, before it is cut to the lungs ---------------


def _nothing(patient: Patient, rng: np.random.Generator) -> np.ndarray:
    return np.zeros_like(patient.x)


def _peripheral_ground_glass(patient: Patient, rng: np.random.Generator) -> np.ndarray:
    """Hazy patches along the outer wall of both lungs."""
    haze = np.zeros_like(patient.x)
    for sign in (-1, 1):
        for _ in range(rng.integers(2, 5)):
            height = rng.uniform(-0.35, 0.36)
            outward = patient.wall - sign * patient.x  # depth under the wall on this side
            patch = np.exp(
                -(((outward - rng.uniform(0.05, 0.12)) / rng.uniform(0.11, 0.17)) ** 2)
                - ((patient.y - height) / rng.uniform(0.15, 0.24)) ** 2
            )
            haze = np.maximum(haze, rng.uniform(0.75, 1) * patch * (sign * patient.x > 0))
    return rng.uniform(0.65, 0.95) * haze * _mottle(rng, patient)


def _perihilar_interstitial(patient: Patient, rng: np.random.Generator) -> np.ndarray:
    """A net of fine lines and thickened vessels that fades out from both hila."""
    pixels = len(patient.x)
    reach = rng.uniform(0.26, 0.36)
    near = np.exp(
        -(((patient.side - HILUM_X - 0.08) / reach) ** 2)
        - ((patient.y - HILUM_Y - rng.uniform(0, 0.1)) / (reach * 1.25)) ** 2
    )
    net = sum(1 - np.abs(np.tanh(2.5 * smooth_noise(rng, n, pixels))) for n in (30, 48)) / 2
    lines = np.maximum(net**1.5, 0.6 * draw_vessels(rng, patient.x, pixels))
    return rng.uniform(0.85, 1.15) * near * (0.34 + 0.66 * lines)


def _focal_consolidation(patient: Patient, rng: np.random.Generator) -> np.ndarray:
    """One dense, ragged patch in one lung, with air bronchograms."""
    sign = rng.choice((-1, 1))
    across, height = rng.uniform(0.32, 0.56), rng.uniform(-0.42, 0.24)
    wide, tall = rng.uniform(0.15, 0.23), rng.uniform(0.14, 0.23)
    distance = np.hypot((patient.x - sign * across) / wide, (patient.y - height) / tall)
    ragged = distance + 0.2 * smooth_noise(rng, 14, len(patient.x))
    patch = step(1 - ragged, 0.38) * (sign * patient.x > 0)
    return rng.uniform(0.75, 1) * patch * (1 - 0.4 * patient.vessels) * _mottle(rng, patient)


FINDINGS = {
    "COVID": _peripheral_ground_glass,
    "Normal": _nothing,
    "Viral Pneumonia": _perihilar_interstitial,
    "Lung Opacity": _focal_consolidation,
}


def _mottle(rng: np.random.Generator, patient: Patient) -> np.ndarray:
    return 1 + 0.22 * smooth_noise(rng, 12, len(patient.x)) + 0.1 * smooth_noise(rng, 40, len(patient.x))


# --- The camera ------------------------------------------------------------------------


def _photograph(
    attenuation: np.ndarray, displaced: np.ndarray, longer: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    import cv2

    aspect = rng.uniform(0.8, 1.3)  # width over height
    width, height = (longer, round(longer / aspect)) if aspect > 1 else (round(longer * aspect), longer)
    # Body units to pixels: the shorter side shows about two units.
    zoom = min(width, height) / rng.uniform(1.66, 1.98) * (2 * HALF_EXTENT / longer)
    turn = cv2.getRotationMatrix2D((longer / 2, longer / 2), rng.normal(0, 3), zoom)
    turn[:, 2] += (width - longer) / 2, (height - longer) / 2
    turn[:, 2] += rng.normal(0, 0.02, 2) * longer
    turn[1, 2] += 0.04 * longer * zoom
    seen, mask = (
        cv2.warpAffine(m.astype(np.float32), turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        for m in (attenuation, displaced)
    )
    return _develop(seen, rng), mask


def _develop(attenuation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Attenuation to grey. Exposure aims at a mean that is drawn whatever the finding is,
    as a detector's automatic exposure does, so that brightness gives no diagnosis away."""
    import cv2

    blurred = cv2.GaussianBlur(attenuation, (0, 0), rng.uniform(0.2, 0.6) * max(attenuation.shape) / 512 + 0.2)
    low, high = np.percentile(blurred, (1, 99.7))
    grey = np.clip((blurred - low) / (high - low), 0.004, 1)
    grey = grey ** _gamma_for_mean(grey, rng.uniform(0.32, 0.52))
    grain = rng.normal(0, rng.uniform(0.008, 0.03), grey.shape).astype(np.float32)
    grey = rng.uniform(0.02, 0.08) + rng.uniform(0.82, 0.94) * grey
    grey = grey + cv2.GaussianBlur(grain, (0, 0), 0.6) * np.sqrt(np.clip(grey, 0.05, 1))
    picture = (np.clip(grey, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.6:
        _side_marker(picture, rng)
    return picture


def _gamma_for_mean(grey: np.ndarray, mean: float) -> float:
    sample = np.asarray(grey[::8, ::8], np.float64)
    low, high = 0.3, 3.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if (sample**middle).mean() > mean else (low, middle)
    return (low + high) / 2


def _side_marker(picture: np.ndarray, rng: np.random.Generator) -> None:
    import cv2

    height, width = picture.shape
    letter, column = ("R", 0.05) if rng.random() < 0.5 else ("L", 0.9)
    place = int(width * column), int(height * rng.uniform(0.08, 0.3))
    scale = max(picture.shape) / 640
    cv2.putText(picture, letter, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 235, max(1, round(2 * scale)), cv2.LINE_AA)
