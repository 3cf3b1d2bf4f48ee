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


def has_text(picture: Image.Image) -> bool:
    """Whether a line of letters stands somewhere in a grey picture."""
    factor = math.ceil(max(picture.size) / SEEN_EDGE)
    grey = np.asarray(picture.reduce(factor) if factor > 1 else picture)
    are_letters = _steep_in_cells(grey) > MANY_STEPS * CELL
    if not are_letters.size or are_letters.mean() > MOST_OF_A_PICTURE:
        return False
    return _longest_run(are_letters) >= LONG_RUN


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


def _longest_run(cells: np.ndarray) -> int:
    run, longest = np.zeros(len(cells), int), 0
    for column in cells.T:
        run = np.where(column, run + 1, 0)
        longest = max(longest, int(run.max()))
    return longest
