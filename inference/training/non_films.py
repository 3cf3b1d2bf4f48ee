"""Pictures that are no frontal chest films, drawn from a seed: what the gate (nn/gate.py) learns to keep from a vote.

NumPy and OpenCV; no Django. No photograph and no patient lies behind any of them.
"""

from collections.abc import Callable

import cv2
import numpy as np

from imaging import phantom

Random = np.random.Generator

EDGE = 256


def _canvas(rng: Random, grey: int) -> np.ndarray:
    return np.full((int(rng.integers(180, 340)), int(rng.integers(180, 340))), grey, np.uint8)


def _film(rng: Random) -> np.ndarray:
    return phantom.render(str(rng.choice(phantom.DIAGNOSES)), int(rng.integers(1 << 30)), EDGE)


def blank(rng: Random) -> np.ndarray:
    picture = _canvas(rng, int(rng.integers(256))).astype(float)
    return np.clip(picture + rng.normal(0, rng.uniform(0, 6), picture.shape), 0, 255).astype(np.uint8)


def gradient(rng: Random) -> np.ndarray:
    height, width = _canvas(rng, 0).shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * x + np.sin(angle) * y
    rings = np.hypot(x - rng.uniform(-0.5, 0.5), y - rng.uniform(-0.5, 0.5)) * rng.choice((-1, 1))
    return cv2.normalize(slope if rng.random() < 0.5 else rings, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def noise(rng: Random) -> np.ndarray:
    """From snow to clouds."""
    picture = rng.normal(size=_canvas(rng, 0).shape)
    if rng.random() < 0.7:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(1, 40))
    return cv2.normalize(picture, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def chessboard(rng: Random) -> np.ndarray:
    height, width = _canvas(rng, 0).shape
    y, x = np.mgrid[:height, :width] // int(rng.integers(8, 60))
    pattern = (x + y) % 2 if rng.random() < 0.6 else (x if rng.random() < 0.5 else y) % 2
    return (pattern * 200 + 25).astype(np.uint8)


def text(rng: Random) -> np.ndarray:
    paper = int(rng.integers(200, 256))
    picture = _canvas(rng, paper)
    step, scale = int(rng.integers(10, 26)), rng.uniform(0.3, 0.7)
    for y in range(int(rng.integers(10, 60)), picture.shape[0] - 8, step):
        line = "".join(rng.choice(list("abcdefghij klmnop rstuv "), int(rng.integers(5, 60))))
        cv2.putText(picture, line, (12, y), cv2.FONT_HERSHEY_SIMPLEX, scale, 20, 1, cv2.LINE_AA)
    return 255 - picture if rng.random() < 0.3 else picture


def screenshot(rng: Random) -> np.ndarray:
    """Panels with frames, and a little writing."""
    picture = _canvas(rng, int(rng.integers(200, 256)))
    height, width = picture.shape
    for _ in range(int(rng.integers(3, 14))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        corner = x + int(rng.integers(20, width)), y + int(rng.integers(10, height // 2))
        cv2.rectangle(picture, (x, y), corner, int(rng.integers(256)), -1)
        cv2.putText(picture, "Open File", (x + 4, y + 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, int(rng.integers(256)), 1)
    return 255 - picture if rng.random() < 0.3 else picture


def photograph(rng: Random) -> np.ndarray:
    """Things in front of each other under a light, as in dead-leaves pictures: their statistics are a photograph's."""
    picture = _canvas(rng, int(rng.integers(30, 220)))
    height, width = picture.shape
    for _ in range(int(rng.integers(20, 250))):
        radius = min(4 * rng.pareto(1.2) + 3, 120)
        axes = int(radius), int(radius * rng.uniform(0.3, 1)) + 1
        centre = int(rng.integers(width)), int(rng.integers(height))
        cv2.ellipse(picture, centre, axes, int(rng.integers(360)), 0, 360, int(rng.integers(10, 245)), -1)
    light = cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), 40)
    lit = picture * np.clip(1 + 6 * light, 0.3, 1.7) + rng.normal(0, 3, picture.shape)
    return cv2.GaussianBlur(np.clip(lit, 0, 255).astype(np.uint8), (0, 0), rng.uniform(0.3, 2))


def portrait(rng: Random) -> np.ndarray:
    """A head and shoulders before a wall."""
    picture = _canvas(rng, int(rng.integers(20, 235)))
    height, width = picture.shape
    centre, skin = (width // 2 + int(rng.normal(0, 12)), int(height * 0.42)), int(rng.integers(60, 230))
    shoulders = (centre[0], int(height * 1.05))
    cv2.ellipse(picture, shoulders, (int(width * 0.42), int(height * 0.33)), 0, 0, 360, int(rng.integers(10, 245)), -1)
    cv2.ellipse(picture, centre, (int(width * 0.2), int(height * 0.28)), 0, 0, 360, skin, -1)
    hair = (centre[0], centre[1] - height // 8)
    cv2.ellipse(picture, hair, (int(width * 0.21), int(height * 0.18)), 0, 180, 360, int(rng.integers(10, 245)), -1)
    for side in (-1, 1):
        cv2.circle(picture, (centre[0] + side * width // 12, centre[1]), width // 40, max(skin - 60, 0), -1)
    return cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 3))


def hand(rng: Random) -> np.ndarray:
    picture = _canvas(rng, int(rng.integers(0, 40)))
    height, width = picture.shape
    wrist = width / 2 + rng.normal(0, 10), height * rng.uniform(0.9, 1.05)
    fingers = [np.deg2rad(angle + rng.normal(0, 3)) for angle in (-38, -18, 0, 17, 42)]
    tips = [
        (int(wrist[0] + height * 0.8 * reach * np.sin(a)), int(wrist[1] - height * 0.85 * reach * np.cos(a)))
        for a, reach in zip(fingers, (0.85, 0.98, 1.05, 0.97, 0.7), strict=True)
    ]
    start = int(wrist[0]), int(wrist[1])
    flesh, bone = int(rng.integers(60, 140)), int(rng.integers(170, 250))
    for grey, wide in ((flesh, width // 8), (bone, width // 26)):
        for tip in tips:
            cv2.line(picture, start, tip, grey, max(wide, 2), cv2.LINE_AA)
    return _radiograph(picture, rng)


def limb(rng: Random) -> np.ndarray:
    """One or two long bones in their flesh."""
    picture = _canvas(rng, int(rng.integers(0, 40)))
    height, width = picture.shape
    lean, middle = int(rng.normal(0, width * 0.1)), width // 2
    cv2.line(picture, (middle - lean, 0), (middle + lean, height), int(rng.integers(60, 130)), int(width * 0.5))
    for offset in (-0.1, 0.1) if rng.random() < 0.6 else (0,):
        x = middle + int(offset * width)
        thick = int(width * rng.uniform(0.06, 0.14))
        cv2.line(picture, (x - lean, 0), (x + lean, height), int(rng.integers(170, 250)), thick)
    return _radiograph(picture, rng)


def skull(rng: Random) -> np.ndarray:
    picture = _canvas(rng, int(rng.integers(0, 40)))
    height, width = picture.shape
    centre = width // 2, int(height * rng.uniform(0.42, 0.5))
    axes = int(width * rng.uniform(0.3, 0.42)), int(height * rng.uniform(0.32, 0.42))
    cv2.ellipse(picture, centre, axes, 0, 0, 360, int(rng.integers(120, 190)), -1)
    cv2.ellipse(picture, centre, axes, 0, 0, 360, int(rng.integers(200, 250)), max(width // 25, 3))
    cv2.rectangle(
        picture,
        (centre[0] - width // 6, centre[1] + height // 6),
        (centre[0] + width // 6, int(height * 0.95)),
        180,
        -1,
    )
    for side in (-1, 1):
        socket = centre[0] + side * width // 7, centre[1] + height // 14
        cv2.ellipse(picture, socket, (width // 12, height // 14), 0, 0, 360, int(rng.integers(60, 120)), -1)
    return _radiograph(picture, rng)


def turned(rng: Random) -> np.ndarray:
    """A film on its side or upside down."""
    return np.rot90(_film(rng), int(rng.integers(1, 4))).copy()


def negative(rng: Random) -> np.ndarray:
    return 255 - _film(rng)


def sheet(rng: Random) -> np.ndarray:
    """Two to four films side by side, or above each other."""
    films = [cv2.resize(_film(rng), (EDGE, EDGE)) for _ in range(4)]
    match int(rng.integers(3)):
        case 0:
            return np.hstack(films[:2])
        case 1:
            return np.vstack(films[:2])
    return np.vstack([np.hstack(films[:2]), np.hstack(films[2:])])


def side(rng: Random) -> np.ndarray:
    """Seen from the side: spine at one edge, heart before it, one lung's darkness in the middle."""
    picture = _canvas(rng, int(rng.integers(0, 40)))
    height, width = picture.shape
    body, lung = int(rng.integers(120, 170)), int(rng.integers(40, 90))
    cv2.ellipse(picture, (width // 2, int(height * 0.6)), (int(width * 0.46), int(height * 0.75)), 0, 0, 360, body, -1)
    cv2.ellipse(picture, (width // 2, int(height * 0.45)), (int(width * 0.3), int(height * 0.36)), 12, 0, 360, lung, -1)
    cv2.ellipse(
        picture, (int(width * 0.36), int(height * 0.58)), (width // 7, height // 6), 30, 0, 360, int(body * 1.2), -1
    )
    cv2.line(picture, (int(width * 0.72), 0), (int(width * 0.8), height), int(body * 1.35), width // 9)
    cv2.ellipse(
        picture,
        (width // 2, int(height * 1.05)),
        (int(width * 0.45), int(height * 0.3)),
        0,
        0,
        360,
        int(body * 1.3),
        -1,
    )
    picture = picture if rng.random() < 0.5 else picture[:, ::-1].copy()
    return _radiograph(cv2.GaussianBlur(picture, (0, 0), width / 50), rng)


def _radiograph(picture: np.ndarray, rng: Random) -> np.ndarray:
    """The blur and the grain of a detector."""
    seen = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.8, 4)) + rng.normal(0, rng.uniform(1, 6), picture.shape)
    return np.clip(seen, 0, 255).astype(np.uint8)


KINDS: tuple[Callable[[Random], np.ndarray], ...] = (
    blank, gradient, noise, chessboard, text, screenshot, photograph, portrait, hand, limb, skull, turned, negative,
    sheet, side,
)  # fmt: skip
