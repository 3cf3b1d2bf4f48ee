"""The body of a phantom: organs and bones as maps of attenuation in body coordinates.

`x` runs from the patient's right to the left (image left to right, as radiographs are hung),
`y` downwards, and one unit is about half a picture's width. Maps are float arrays of one square
shape. Numpy and OpenCV only; no Django.
"""

from dataclasses import dataclass

import numpy as np

HALF_EXTENT = 1.3  # body units from the canvas's middle to its edge
HILUM_X, HILUM_Y = 0.19, -0.04


@dataclass(frozen=True)
class Patient:
    """Maps of one body, float32 of one shape: coordinates, tissue, lungs and what is in them."""

    x: np.ndarray
    y: np.ndarray
    side: np.ndarray  # |x|
    wall: np.ndarray  # half-width of the rib cage at each height
    lungs: np.ndarray  # 1 inside
    air: np.ndarray  # attenuation that the air saves
    tissue: np.ndarray  # attenuation without any air
    vessels: np.ndarray  # 0–1


def draw_patient(rng: np.random.Generator, pixels: int) -> Patient:
    axis = np.linspace(-HALF_EXTENT, HALF_EXTENT, pixels, dtype=np.float32)
    x: np.ndarray
    y: np.ndarray
    x, y = np.meshgrid(axis, axis)
    # Nobody is symmetrical: bend the body a little before the organs are put in.
    x = x + 0.02 * smooth_noise(rng, 3, pixels)
    y = y + 0.02 * smooth_noise(rng, 3, pixels)
    side = np.abs(x)
    width, top = rng.uniform(0.68, 0.78), rng.uniform(-0.84, -0.76)
    wall = _rib_cage(y, width, top)
    heart = _heart(x, y, rng)
    inside = _lung_depth(x, y, side, wall, rng)
    lungs = step(inside, 0.012)
    air = lungs * (0.34 + 0.36 * np.sqrt(np.clip(inside / 0.32, 0, 1))) * (1 - 0.8 * heart)
    vessels = draw_vessels(rng, x, pixels)
    tissue = (
        _soft_tissue(x, y, side, rng)
        + 0.33 * heart
        + _mediastinum(x, y, side, rng)
        + _bones(x, y, side, wall, rng)
        + rng.uniform(0.10, 0.17) * vessels * lungs * (1 - heart)
        + _abdomen(x, y, inside, rng)
    )
    return Patient(x, y, side, wall, lungs, air, tissue.astype(np.float32), vessels)


def _rib_cage(y: np.ndarray, width: float, top: float) -> np.ndarray:
    height = np.clip(np.abs((y - 0.42) / (0.42 - top)), 0, 1)
    return width * (1 - height**3) ** 0.45


def _lung_depth(
    x: np.ndarray, y: np.ndarray, side: np.ndarray, wall: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """How far inside a lung each place is, in body units; negative outside."""
    dome = np.where(x < 0, rng.uniform(0.36, 0.46), rng.uniform(0.42, 0.52))
    diaphragm = dome + 0.9 * (side - 0.34) ** 2
    medial = np.where(x < 0, 0.115, 0.105) + 0.05 * step(-0.45 - y, 0.12)
    apex = rng.uniform(-0.76, -0.68) + 1.9 * (side - 0.33) ** 2
    return np.minimum(np.minimum(wall - side, side - medial), np.minimum(diaphragm - y, 0.8 * (y - apex)))


def _soft_tissue(x: np.ndarray, y: np.ndarray, side: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The trunk, neck and shoulders: thick in the middle, thin at the skin."""
    trunk = rng.uniform(0.92, 1.04) + 0.4 * step(-0.30 - y, 0.10)
    shoulder_line = -1.02 + 0.32 * np.clip(side - 0.26, 0, None)
    neck = step(0.27 - side, 0.03)
    skin = np.minimum(trunk - side, y - shoulder_line + 10 * neck)
    depth = np.sqrt(np.clip(skin / 0.55, 0, 1))
    thickness = (0.30 + 0.52 * depth) * step(skin, 0.012) + 0.05 * smooth_noise(rng, 5, len(x))
    if rng.random() < 0.4:  # breast shadows: a bilateral haze that is no disease
        breast = _blob(side, y, rng.uniform(0.36, 0.46), rng.uniform(0.25, 0.4), 0.24, 0.2)
        thickness = thickness + rng.uniform(0.03, 0.09) * breast
    return thickness


def _heart(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    size, shift = rng.uniform(0.9, 1.12), rng.uniform(-0.03, 0.03)
    ventricles = _ellipse(x, y, 0.15 + shift, 0.27, 0.40 * size, 0.25 * size, 40)
    atrium = _ellipse(x, y, -0.02 + shift, 0.22, 0.20 * size, 0.30 * size, 0)
    trunk = _ellipse(x, y, 0.06, -0.08, 0.13, 0.30, -12)
    above_the_diaphragm = step(0.56 - y, 0.05)
    return (ventricles**4 + atrium**4 + 0.4 * trunk**4) ** 0.25 * above_the_diaphragm


def _mediastinum(x: np.ndarray, y: np.ndarray, side: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    column = step(rng.uniform(0.10, 0.13) + 0.03 * step(-0.45 - y, 0.1) - side, 0.03)
    aorta = _ellipse(x, y, 0.12, rng.uniform(-0.36, -0.28), 0.10, 0.11, 0)
    hila = _blob(side, y, HILUM_X - 0.02, HILUM_Y, 0.05, 0.09)
    trachea = step(0.038 - np.abs(x + 0.015), 0.012) * step(-0.22 - y, 0.05)
    return 0.14 * column + 0.14 * aorta + 0.13 * hila - 0.14 * trachea


def _abdomen(x: np.ndarray, y: np.ndarray, inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    below = step(y - 0.42, 0.05) * step(-inside, 0.01)
    liver = 0.08 + 0.05 * step(-x, 0.1)
    bubble = _ellipse(x, y, rng.uniform(0.3, 0.42), rng.uniform(0.62, 0.72), 0.14, 0.07, 10)
    return below * (liver - rng.uniform(0.0, 0.28) * bubble)


def _bones(x: np.ndarray, y: np.ndarray, side: np.ndarray, wall: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    strength = rng.uniform(0.8, 1.2)
    return strength * (_ribs(y, side, wall, rng) + _spine(x, y, side, rng) + _shoulder_girdle(x, y, side, rng))


def _ribs(y: np.ndarray, side: np.ndarray, wall: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Back ribs arch from the spine to the wall; front ribs fall from the wall to the middle."""
    across = side / np.maximum(wall + 0.035, 0.05)
    caged = step(1 - across, 0.012) * step(0.62 - y, 0.2)
    spacing, steep = rng.uniform(0.125, 0.15), rng.uniform(0.26, 0.36)
    back = y - steep * across**3.2 + 0.11 * across
    back_ribs = _tubes(back, spacing, 0.028 * (1 + 0.9 * across**4), rng) * step(side - 0.07, 0.01)
    front = y - 0.42 * (1 - across) - steep + 0.11
    front_ribs = _tubes(front, spacing, 0.034, rng) * step(across - 0.5, 0.09)
    edge = np.exp(-(((across - 0.972) / 0.022) ** 2)) * (0.35 + back_ribs) * step(side - 0.3, 0.05)
    return caged * (0.15 * back_ribs + 0.085 * front_ribs + 0.11 * edge)


def _tubes(
    position: np.ndarray, spacing: float, half_width: np.ndarray | float, rng: np.random.Generator
) -> np.ndarray:
    """Parallel hollow bones every `spacing` along `position`: bright rims, paler marrow."""
    offset = position / spacing + rng.uniform(0, 1)
    from_axis = np.abs(offset - np.round(offset)) * spacing / half_width
    marrow = np.sqrt(np.clip(1 - from_axis**2, 0, 1))
    rim = np.exp(-(((from_axis - 0.84) / 0.17) ** 2))
    return 0.62 * marrow + 0.42 * rim


def _spine(x: np.ndarray, y: np.ndarray, side: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    column = step(0.072 - side, 0.01)
    height = rng.uniform(0.115, 0.14)
    vertebra = (y / height + rng.uniform(0, 1)) % 1
    body = step(0.38 - np.abs(vertebra - 0.5), 0.05)
    edge = np.exp(-(((np.abs(vertebra - 0.5) - 0.36) / 0.05) ** 2))
    pedicles = _blob(side, (vertebra - 0.35) * height, 0.045, 0, 0.014, 0.02)
    process = np.exp(-((x / 0.014) ** 2)) * step(0.2 - np.abs(vertebra - 0.75), 0.05)
    return column * (0.05 + 0.06 * body + 0.05 * edge + 0.06 * pedicles + 0.05 * process)


def _shoulder_girdle(x: np.ndarray, y: np.ndarray, side: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rise = rng.uniform(0.14, 0.3)
    line = rng.uniform(-0.56, -0.48) - rise * (side - 0.06) + 0.03 * np.sin(7.5 * side)
    clavicle = _tube(y - line, 0.03) * step(side - 0.06, 0.015) * step(0.86 - side, 0.02)
    scapula_edge = rng.uniform(0.72, 0.86) + 0.12 * (y + 0.3)
    scapula = _tube(side - scapula_edge, 0.035) * step(0.28 - np.abs(y + 0.22), 0.05)
    blade = step(side - scapula_edge, 0.02) * step(0.3 - np.abs(y + 0.28), 0.08)
    humerus = _ellipse(side, y, 1.1, -0.62, 0.15, 0.16, 0) + _tube(side - 1.12, 0.09) * step(y + 0.55, 0.05)
    return 0.17 * clavicle + 0.06 * scapula + 0.04 * blade + 0.15 * np.minimum(humerus, 1)


def _tube(from_axis: np.ndarray, half_width: float) -> np.ndarray:
    distance = np.abs(from_axis) / half_width
    return 0.62 * np.sqrt(np.clip(1 - distance**2, 0, 1)) + 0.4 * np.exp(-(((distance - 0.84) / 0.17) ** 2))


def draw_vessels(rng: np.random.Generator, x: np.ndarray, pixels: int) -> np.ndarray:
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
                cv2.line(drawing, ends[0], ends[1], brightness, thickness, cv2.LINE_AA, shift=4)
                point, width = point + step, width * 0.8
    return cv2.GaussianBlur(drawing, (0, 0), 0.003 * scale + 0.3).astype(np.float32) / 255


# --- Shapes ----------------------------------------------------------------------------


def step(inside: np.ndarray, softness: float) -> np.ndarray:
    """0 outside, 1 inside, with a soft edge of about `softness` to either side."""
    return 0.5 + 0.5 * np.tanh(inside / softness)


def _blob(x: np.ndarray, y: np.ndarray, at_x: float, at_y: float, wide: float, tall: float) -> np.ndarray:
    return np.exp(-(((x - at_x) / wide) ** 2) - ((y - at_y) / tall) ** 2)


def _ellipse(
    x: np.ndarray, y: np.ndarray, at_x: float, at_y: float, wide: float, tall: float, degrees: float
) -> np.ndarray:
    """The thickness of an ellipsoid seen through: 1 in the middle, 0 outside."""
    turn = np.radians(degrees)
    along = (x - at_x) * np.cos(turn) + (y - at_y) * np.sin(turn)
    across = (y - at_y) * np.cos(turn) - (x - at_x) * np.sin(turn)
    inside = 1 - (along / wide) ** 2 - (across / tall) ** 2
    return np.sqrt(np.clip(inside, 0, 1)) * step(inside, 0.06)


def smooth_noise(rng: np.random.Generator, cells: int, pixels: int) -> np.ndarray:
    """Gaussian noise on a cells×cells grid, smoothly enlarged; the same at every size."""
    import cv2

    grid = rng.standard_normal((cells, cells), np.float32)
    return cv2.resize(grid, (pixels, pixels), interpolation=cv2.INTER_CUBIC)
