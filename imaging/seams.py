"""A lossy JPEG that is brighter or darker from one block on. A block's mean is told by its difference from the one
before (ITU-T T.81, F.1.2.1), so that one wrong difference shifts all that follow, though their number is right.

So there is a step of one height along a whole row of blocks: above those from the first that is shifted to the right
edge, and below those from the left edge up to it. Edges of anatomy, collimation and paper do not turn by a row within
the picture. None of 3 613 sound films, each taken by blocks of three sizes, has one.
"""

import numpy as np

LEAST_STEP = 2  # grey levels
CLEAR = 1.5  # of its spread
LEAST_SPREAD = 0.5

# Near either edge it could be the edge of something that lies straight.
LEAST_PART, LEAST_BLOCKS = 1 / 16, 2


def has_one(grey: np.ndarray, across: int, down: int) -> bool:
    """Whether there is such a step in a picture of blocks so many pixels wide and high."""
    steps = _steps(grey, across, down)
    rows, blocks = steps.shape
    least = max(LEAST_BLOCKS, int(blocks * LEAST_PART))
    if rows < 2 or blocks <= 2 * least:
        return False
    # Of each row of blocks, and each place in it: the mean of the steps left of that, and of those from there on.
    places = np.arange(least, blocks - least)
    sums, squares = (np.pad(one.cumsum(axis=1), ((0, 0), (1, 0))) for one in (steps, steps**2))
    left, right = sums[:, places] / places, (sums[:, -1:] - sums[:, places]) / (blocks - places)
    above, below = right[:-1], left[1:]
    step = np.where(above * below > 0, np.minimum(abs(above), abs(below)), 0)
    mean = (above * (blocks - places) + below * places) / blocks
    square = (squares[:-1, -1:] - squares[:-1, places] + squares[1:, places]) / blocks
    spread = np.sqrt(np.maximum(square - mean**2, LEAST_SPREAD**2))
    beside = np.maximum(abs(left[:-1]), abs(right[1:]))
    return bool(((step >= LEAST_STEP) & (step - beside > CLEAR * spread)).any())


def _steps(grey: np.ndarray, across: int, down: int) -> np.ndarray:
    """How much brighter each block begins than the one above it ends, beyond the slope on both sides of that."""
    blocks = grey.shape[1] // across
    first = np.arange(down, grey.shape[0] - 1, down)
    lines = [grey[first + line, : blocks * across].astype(np.float32) for line in (-2, -1, 0, 1)]
    twice = 3 * (lines[2] - lines[1]) - (lines[3] - lines[0])
    return twice.reshape(len(first), blocks, across) @ np.full(across, 1 / (2 * across), np.float32)
