"""Synthetic chest radiographs: numbers drawn from a seed, no patient behind any of them.

A phantom is an attenuation map in body coordinates, seen through a randomly placed and
exposed detector. `x` runs from the patient's right to the left (image left to right, as
radiographs are hung), `y` downwards; one unit is about the half-width of the picture.
A finding takes the place of air in the lungs, as disease does.

Numpy and OpenCV only; no Django.
"""

from dataclasses import dataclass

import numpy as np

DIAGNOSES = ("COVID", "Normal", "Viral Pneumonia", "Lung Opacity")

SMALLEST = 64  # px; below this ribs and vessels are gone
HALF_EXTENT = 1.3  # body units from the canvas's middle to its edge
HILUM_X, HILUM_Y = 0.19, -0.04


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
    patient = _patient(anatomy, longer)
    displaced = np.clip(FINDINGS[diagnosis](patient, finding), 0, 1) * patient.lungs
    attenuation = patient.tissue - patient.air * (1 - displaced)
    return _photograph(attenuation, displaced, longer, camera)


@dataclass(frozen=True)
class _Patient:
    """Maps of one body, float32 of one shape: coordinates, tissue, lungs and what is in them."""

    x: np.ndarray
    y: np.ndarray
    side: np.ndarray  # |x|
    wall: np.ndarray  # half-width of the rib cage at each height
    lungs: np.ndarray  # 1 inside
    air: np.ndarray  # attenuation that the air saves
    tissue: np.ndarray  # attenuation without any air
    vessels: np.ndarray  # 0–1


def _patient(rng: np.random.Generator, pixels: int) -> _Patient:
    axis = np.linspace(-HALF_EXTENT, HALF_EXTENT, pixels, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    # Nobody is symmetrical: bend the body a little before the organs are put in.
    x = x + 0.02 * _smooth_noise(rng, 3, pixels)
    y = y + 0.02 * _smooth_noise(rng, 3, pixels)
    side = np.abs(x)
    width, top = rng.uniform(0.68, 0.78), rng.uniform(-0.84, -0.76)
    wall = _rib_cage(y, width, top)
    heart = _heart(x, y, rng)
    inside = _lung_depth(x, y, side, wall, rng)
    lungs = _step(inside, 0.012)
    air = lungs * (0.34 + 0.36 * np.sqrt(np.clip(inside / 0.32, 0, 1))) * (1 - 0.8 * heart)
    vessels = _vessels(rng, x, pixels)
    tissue = (
        _soft_tissue(x, y, side, rng)
        + 0.33 * heart
        + _mediastinum(x, y, side, rng)
        + _bones(x, y, side, wall, rng)
        + rng.uniform(0.10, 0.17) * vessels * lungs * (1 - heart)
        + _abdomen(x, y, inside, rng)
    )
    return _Patient(x, y, side, wall, lungs, air, tissue.astype(np.float32), vessels)


# --- Anatomy ---------------------------------------------------------------------------


def _rib_cage(y: np.ndarray, width: float, top: float) -> np.ndarray:
    height = np.clip(np.abs((y - 0.42) / (0.42 - top)), 0, 1)
    return width * (1 - height**3) ** 0.45


def _lung_depth(x, y, side, wall, rng) -> np.ndarray:
    """How far inside a lung each place is, in body units; negative outside."""
    dome = np.where(x < 0, rng.uniform(0.36, 0.46), rng.uniform(0.42, 0.52))
    diaphragm = dome + 0.9 * (side - 0.34) ** 2
    medial = np.where(x < 0, 0.115, 0.105) + 0.05 * _step(-0.45 - y, 0.12)
    apex = rng.uniform(-0.76, -0.68) + 1.9 * (side - 0.33) ** 2
    return np.minimum(np.minimum(wall - side, side - medial), np.minimum(diaphragm - y, 0.8 * (y - apex)))


def _soft_tissue(x, y, side, rng) -> np.ndarray:
    """The trunk, neck and shoulders: thick in the middle, thin at the skin."""
    trunk = rng.uniform(0.92, 1.04) + 0.4 * _step(-0.30 - y, 0.10)
    shoulder_line = -1.02 + 0.32 * np.clip(side - 0.26, 0, None)
    neck = _step(0.27 - side, 0.03)
    skin = np.minimum(trunk - side, y - shoulder_line + 10 * neck)
    depth = np.sqrt(np.clip(skin / 0.55, 0, 1))
    thickness = (0.30 + 0.52 * depth) * _step(skin, 0.012) + 0.05 * _smooth_noise(rng, 5, len(x))
    if rng.random() < 0.4:  # breast shadows: a bilateral haze that is no disease
        breast = _blob(side, y, rng.uniform(0.36, 0.46), rng.uniform(0.25, 0.4), 0.24, 0.2)
        thickness = thickness + rng.uniform(0.03, 0.09) * breast
    return thickness


def _heart(x, y, rng) -> np.ndarray:
    size, shift = rng.uniform(0.9, 1.12), rng.uniform(-0.03, 0.03)
    ventricles = _ellipse(x, y, 0.15 + shift, 0.27, 0.40 * size, 0.25 * size, 40)
    atrium = _ellipse(x, y, -0.02 + shift, 0.22, 0.20 * size, 0.30 * size, 0)
    trunk = _ellipse(x, y, 0.06, -0.08, 0.13, 0.30, -12)
    above_the_diaphragm = _step(0.56 - y, 0.05)
    return (ventricles**4 + atrium**4 + 0.4 * trunk**4) ** 0.25 * above_the_diaphragm


def _mediastinum(x, y, side, rng) -> np.ndarray:
    column = _step(rng.uniform(0.10, 0.13) + 0.03 * _step(-0.45 - y, 0.1) - side, 0.03)
    aorta = _ellipse(x, y, 0.12, rng.uniform(-0.36, -0.28), 0.10, 0.11, 0)
    hila = _blob(side, y, HILUM_X - 0.02, HILUM_Y, 0.05, 0.09)
    trachea = _step(0.038 - np.abs(x + 0.015), 0.012) * _step(-0.22 - y, 0.05)
    return 0.14 * column + 0.14 * aorta + 0.13 * hila - 0.14 * trachea


def _abdomen(x, y, inside, rng) -> np.ndarray:
    below = _step(y - 0.42, 0.05) * _step(-inside, 0.01)
    liver = 0.08 + 0.05 * _step(-x, 0.1)
    bubble = _ellipse(x, y, rng.uniform(0.3, 0.42), rng.uniform(0.62, 0.72), 0.14, 0.07, 10)
    return below * (liver - rng.uniform(0.0, 0.28) * bubble)


def _bones(x, y, side, wall, rng) -> np.ndarray:
    strength = rng.uniform(0.8, 1.2)
    return strength * (_ribs(y, side, wall, rng) + _spine(x, y, side, rng) + _shoulder_girdle(x, y, side, rng))


def _ribs(y, side, wall, rng) -> np.ndarray:
    """Back ribs arch from the spine to the wall; front ribs fall from the wall to the middle."""
    across = side / np.maximum(wall + 0.035, 0.05)
    caged = _step(1 - across, 0.012) * _step(0.62 - y, 0.2)
    spacing, steep = rng.uniform(0.125, 0.15), rng.uniform(0.26, 0.36)
    back = y - steep * across**3.2 + 0.11 * across
    back_ribs = _tubes(back, spacing, 0.028 * (1 + 0.9 * across**4), rng) * _step(side - 0.07, 0.01)
    front = y - 0.42 * (1 - across) - steep + 0.11
    front_ribs = _tubes(front, spacing, 0.034, rng) * _step(across - 0.5, 0.09)
    edge = np.exp(-(((across - 0.972) / 0.022) ** 2)) * (0.35 + back_ribs) * _step(side - 0.3, 0.05)
    return caged * (0.15 * back_ribs + 0.085 * front_ribs + 0.11 * edge)


def _tubes(position, spacing, half_width, rng) -> np.ndarray:
    """Parallel hollow bones every `spacing` along `position`: bright rims, paler marrow."""
    offset = position / spacing + rng.uniform(0, 1)
    from_axis = np.abs(offset - np.round(offset)) * spacing / half_width
    marrow = np.sqrt(np.clip(1 - from_axis**2, 0, 1))
    rim = np.exp(-(((from_axis - 0.84) / 0.17) ** 2))
    return 0.62 * marrow + 0.42 * rim


def _spine(x, y, side, rng) -> np.ndarray:
    column = _step(0.072 - side, 0.01)
    height = rng.uniform(0.115, 0.14)
    vertebra = (y / height + rng.uniform(0, 1)) % 1
    body = _step(0.38 - np.abs(vertebra - 0.5), 0.05)
    edge = np.exp(-(((np.abs(vertebra - 0.5) - 0.36) / 0.05) ** 2))
    pedicles = _blob(side, (vertebra - 0.35) * height, 0.045, 0, 0.014, 0.02)
    process = np.exp(-((x / 0.014) ** 2)) * _step(0.2 - np.abs(vertebra - 0.75), 0.05)
    return column * (0.05 + 0.06 * body + 0.05 * edge + 0.06 * pedicles + 0.05 * process)


def _shoulder_girdle(x, y, side, rng) -> np.ndarray:
    rise = rng.uniform(0.14, 0.3)
    line = rng.uniform(-0.56, -0.48) - rise * (side - 0.06) + 0.03 * np.sin(7.5 * side)
    clavicle = _tube(y - line, 0.03) * _step(side - 0.06, 0.015) * _step(0.86 - side, 0.02)
    scapula_edge = rng.uniform(0.72, 0.86) + 0.12 * (y + 0.3)
    scapula = _tube(side - scapula_edge, 0.035) * _step(0.28 - np.abs(y + 0.22), 0.05)
    blade = _step(side - scapula_edge, 0.02) * _step(0.3 - np.abs(y + 0.28), 0.08)
    humerus = _ellipse(side, y, 1.1, -0.62, 0.15, 0.16, 0) + _tube(side - 1.12, 0.09) * _step(y + 0.55, 0.05)
    return 0.17 * clavicle + 0.06 * scapula + 0.04 * blade + 0.15 * np.minimum(humerus, 1)


def _tube(from_axis, half_width) -> np.ndarray:
    distance = np.abs(from_axis) / half_width
    return 0.62 * np.sqrt(np.clip(1 - distance**2, 0, 1)) + 0.4 * np.exp(-(((distance - 0.84) / 0.17) ** 2))


def _vessels(rng, x, pixels) -> np.ndarray:
    """Branches that wander out from both hila, thinner as they go; float32 in 0–1."""
    import cv2

    drawing = np.zeros(x.shape, np.uint8)
    scale = pixels / (2 * HALF_EXTENT)
    for hilum in (-HILUM_X, HILUM_X):
        for _ in range(26):
            point = np.array([hilum, HILUM_Y]) + rng.normal(0, 0.04, 2)
            outward = rng.uniform(-1.25, 1.35)
            width = rng.uniform(0.010, 0.02)
            for _ in range(7):
                outward += rng.normal(0, 0.22)
                step = 0.065 * np.array([np.cos(outward) * np.sign(hilum), np.sin(outward)])
                ends = [tuple(int(v) for v in (p + HALF_EXTENT) * scale * 16) for p in (point, point + step)]
                thickness = max(1, round(width * scale))
                brightness = int(255 * min(1.0, width * scale / thickness))
                cv2.line(drawing, *ends, brightness, thickness, cv2.LINE_AA, shift=4)
                point, width = point + step, width * 0.8
    return cv2.GaussianBlur(drawing, (0, 0), 0.003 * scale + 0.3).astype(np.float32) / 255


# --- Findings: the share of air displaced, before it is cut to the lungs ---------------


def _nothing(patient: _Patient, rng: np.random.Generator) -> np.ndarray:
    return np.zeros_like(patient.x)


def _peripheral_ground_glass(patient: _Patient, rng: np.random.Generator) -> np.ndarray:
    """Hazy patches along the outer wall of both lungs, more of them low down."""
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


def _perihilar_interstitial(patient: _Patient, rng: np.random.Generator) -> np.ndarray:
    """A net of fine lines and thickened vessels that fades out from both hila."""
    pixels = len(patient.x)
    reach = rng.uniform(0.26, 0.36)
    near = np.exp(
        -(((patient.side - HILUM_X - 0.08) / reach) ** 2)
        - ((patient.y - HILUM_Y - rng.uniform(0, 0.1)) / (reach * 1.25)) ** 2
    )
    net = sum(1 - np.abs(np.tanh(2.5 * _smooth_noise(rng, n, pixels))) for n in (30, 48)) / 2
    lines = np.maximum(net**1.5, 0.6 * _vessels(rng, patient.x, pixels))
    return rng.uniform(0.85, 1.15) * near * (0.34 + 0.66 * lines)


def _focal_consolidation(patient: _Patient, rng: np.random.Generator) -> np.ndarray:
    """One dense, ragged patch in one lung, with air bronchograms."""
    sign = rng.choice((-1, 1))
    across, height = rng.uniform(0.32, 0.56), rng.uniform(-0.42, 0.24)
    wide, tall = rng.uniform(0.15, 0.23), rng.uniform(0.14, 0.23)
    distance = np.hypot((patient.x - sign * across) / wide, (patient.y - height) / tall)
    ragged = distance + 0.2 * _smooth_noise(rng, 14, len(patient.x))
    patch = _step(1 - ragged, 0.38) * (sign * patient.x > 0)
    return rng.uniform(0.75, 1) * patch * (1 - 0.4 * patient.vessels) * _mottle(rng, patient)


FINDINGS = {
    "COVID": _peripheral_ground_glass,
    "Normal": _nothing,
    "Viral Pneumonia": _perihilar_interstitial,
    "Lung Opacity": _focal_consolidation,
}


def _mottle(rng, patient) -> np.ndarray:
    return 1 + 0.22 * _smooth_noise(rng, 12, len(patient.x)) + 0.1 * _smooth_noise(rng, 40, len(patient.x))


# --- The camera ------------------------------------------------------------------------


def _photograph(attenuation, displaced, longer, rng) -> tuple[np.ndarray, np.ndarray]:
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


# --- Shapes ----------------------------------------------------------------------------


def _step(inside: np.ndarray, softness: float) -> np.ndarray:
    """0 outside, 1 inside, with a soft edge of about `softness` to either side."""
    return 0.5 + 0.5 * np.tanh(inside / softness)


def _blob(x, y, at_x, at_y, wide, tall) -> np.ndarray:
    return np.exp(-(((x - at_x) / wide) ** 2) - ((y - at_y) / tall) ** 2)


def _ellipse(x, y, at_x, at_y, wide, tall, degrees) -> np.ndarray:
    """The thickness of an ellipsoid seen through: 1 in the middle, 0 outside."""
    turn = np.radians(degrees)
    along = (x - at_x) * np.cos(turn) + (y - at_y) * np.sin(turn)
    across = (y - at_y) * np.cos(turn) - (x - at_x) * np.sin(turn)
    inside = 1 - (along / wide) ** 2 - (across / tall) ** 2
    return np.sqrt(np.clip(inside, 0, 1)) * _step(inside, 0.06)


def _smooth_noise(rng: np.random.Generator, cells: int, pixels: int) -> np.ndarray:
    """Gaussian noise on a cells×cells grid, smoothly enlarged; the same at every size."""
    import cv2

    grid = rng.standard_normal((cells, cells), np.float32)
    return cv2.resize(grid, (pixels, pixels), interpolation=cv2.INTER_CUBIC)
