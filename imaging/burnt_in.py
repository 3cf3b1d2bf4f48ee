"""Text that is burnt into the picture, as some machines do with names. NumPy and Pillow; no Django."""

import math

import numpy as np
from PIL import Image

SEEN_EDGE = 1024  # pixels: a larger picture is looked at reduced, where letters still have edges
CELL_HEIGHT, CELL_WIDTH = 8, 16
CELL = CELL_HEIGHT * CELL_WIDTH
CELLS_AT_A_TIME = 16
STEEP = 45  # grey levels from one pixel to the next

# Of a cell's pixels beside one another, those with a steep step between: letters have a third, film has hardly any.
MANY_STEPS = 0.12

# Cells beside one another. A side marker is one letter, of one or two.
LONG_RUN = 5

# Text stands in a corner. What is steep all over is noise, or a chessboard.
MOST_OF_A_PICTURE = 0.3


def reduced(grey: np.ndarray) -> np.ndarray:
    """A uint8 picture as it is looked at, at most SEEN_EDGE pixels a side."""
    factor = math.ceil(max(grey.shape) / SEEN_EDGE)
    return np.asarray(Image.fromarray(grey).reduce(factor)) if factor > 1 else grey


def has_text(grey: np.ndarray) -> bool:
    """Whether a line of letters stands somewhere in a picture, reduced as above."""
    are_letters = _steep_in_cells(grey) > MANY_STEPS * CELL
    if not are_letters.size or are_letters.mean() > MOST_OF_A_PICTURE:
        return False
    return _has_run(are_letters, LONG_RUN)


def _steep_in_cells(grey: np.ndarray) -> np.ndarray:
    """Of each cell how many pixels are steep: some rows of cells at a time, which a processor's cache holds."""
    rows, columns = grey.shape[0] // CELL_HEIGHT, (grey.shape[1] - 1) // CELL_WIDTH
    found = np.zeros((rows, columns), np.uint8)
    for top in range(0, rows, CELLS_AT_A_TIME):
        band = grey[top * CELL_HEIGHT : min(top + CELLS_AT_A_TIME, rows) * CELL_HEIGHT, : columns * CELL_WIDTH + 1]
        left, right = band[:, :-1], band[:, 1:]
        steep = (np.maximum(left, right) - np.minimum(left, right) > STEEP).view(np.uint8)
        here = steep.shape[0] // CELL_HEIGHT
        # Rows are added up first, a byte each, which is what processors are quick at.
        by_column = steep.reshape(here, CELL_HEIGHT, columns * CELL_WIDTH).sum(1, dtype=np.uint8)
        found[top : top + here] = by_column.reshape(here, columns, CELL_WIDTH).sum(2, dtype=np.uint8)
    return found


def _has_run(cells: np.ndarray, length: int) -> bool:
    """Whether so many of them lie beside one another."""
    starts = cells.shape[1] - length + 1
    runs = [cells[:, start : start + starts] for start in range(length)] if starts > 0 else []
    return bool(runs) and bool(np.logical_and.reduce(runs).any())
