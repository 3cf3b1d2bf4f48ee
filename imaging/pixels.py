"""Work on decoded pictures: ndarray in, ndarray out. OpenCV; no Django."""

import cv2
import numpy as np

CLAHE_CLIP_LIMIT = 2.0
CLAHE_TILES = (8, 8)


def enhance(picture: np.ndarray) -> np.ndarray:
    """Return the picture with its contrast evened out by CLAHE; uint8 H×W in and out.

    Contrast-limited adaptive histogram equalisation, clip limit 2.0, 8×8 tiles
    (Zuiderveld, Graphics Gems IV, 1994). Raises ValueError for anything but uint8 H×W.
    """
    if picture.dtype != np.uint8 or picture.ndim != 2 or not picture.size:
        raise ValueError(f"expected a grey uint8 picture (height, width), got {picture.dtype} {picture.shape}")
    # A CLAHE object keeps its buffers between calls, so one shared by threads would be a race.
    return cv2.createCLAHE(CLAHE_CLIP_LIMIT, CLAHE_TILES).apply(picture)


def decode(file: bytes) -> np.ndarray:
    """Return a canonical picture's pixels: an 8-bit grey PNG in, uint8 H×W out. Raises ValueError where it is none."""
    picture = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED) if file else None
    if picture is None or picture.dtype != np.uint8 or picture.ndim != 2:
        raise ValueError("not an 8-bit grey picture")
    return picture


def encode(picture: np.ndarray) -> bytes:
    """Return a picture as a PNG file; uint8 H×W in."""
    return cv2.imencode(".png", picture)[1].tobytes()
