"""Text that is burnt into the picture, as some machines do with names. NumPy and Pillow; no Django."""

import math

import numpy as np
from PIL import Image

SEEN_EDGE = 1024  # pixels: a larger picture is looked at reduced, where letters still have edges
CELL_HEIGHT, CELL_WIDTH = 8, 16
CELL = CELL_HEIGHT * CELL_WIDTH
STEEP = 45  # grey levels from one pixel to the next

# Of a cell's pixels beside one another, those with a steep step between: letters have a third, film has hardly any.
MANY_STEPS = 0.12

# Cells beside one another. A side marker is one letter, of one or two.
LONG_RUN = 5

# Text stands in a corner. What is steep all over is noise, or a chessboard.
MOST_OF_A_PICTURE = 0.3


def has_text(picture: Image.Image) -> bool:
    """Whether a line of letters stands somewhere in a grey picture."""
    factor = math.ceil(max(picture.size) / SEEN_EDGE)
    grey = np.asarray(picture.reduce(factor) if factor > 1 else picture)
    left, right = grey[:, :-1], grey[:, 1:]
    are_letters = _steep_in_cells(np.maximum(left, right) - np.minimum(left, right) > STEEP) > MANY_STEPS * CELL
    if not are_letters.size or are_letters.mean() > MOST_OF_A_PICTURE:
        return False
    return _longest_run(are_letters) >= LONG_RUN


def _steep_in_cells(steep: np.ndarray) -> np.ndarray:
    """Of each cell how many pixels are steep. Rows are added up first, a byte each, which is what processors are quick
    at."""
    rows, columns = steep.shape[0] // CELL_HEIGHT, steep.shape[1] // CELL_WIDTH
    whole = steep[: rows * CELL_HEIGHT, : columns * CELL_WIDTH].view(np.uint8)
    by_column = whole.reshape(rows, CELL_HEIGHT, columns * CELL_WIDTH).sum(1, dtype=np.uint8)
    return by_column.reshape(rows, columns, CELL_WIDTH).sum(2, dtype=np.uint8)


def _longest_run(cells: np.ndarray) -> int:
    run, longest = np.zeros(len(cells), int), 0
    for column in cells.T:
        run = np.where(column, run + 1, 0)
        longest = max(longest, int(run.max()))
    return longest
