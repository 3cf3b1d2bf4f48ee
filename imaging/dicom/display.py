"""Decoded pixels → a grey picture, upright pixels square. Works on tables, so that no film is held as floats."""

from dataclasses import dataclass

import numpy as np
import pydicom
from PIL import Image

from imaging.decoded import Deep, counted, looked_up
from imaging.dicom.bits import stored
from imaging.dicom.deep import deep_table
from imaging.dicom.spacing import squared_size
from imaging.dicom.tone import tone

BACKGROUND = 0

SHADES = 256  # of what a screen shows


@dataclass(frozen=True)
class Displayed:
    """`grey` is what a screen shows, `deep` holds all the bits where there are more than it does, and `background` is
    where there is no film (see `Decoded`); `bits` is how many of each pixel were read, and `greys` how many pixels have
    each grey, None where that is not counted yet. `is_corrected` says that something the file says of that made no
    sense and was put right."""

    grey: np.ndarray
    deep: Deep | None
    background: np.ndarray | None
    bits: int
    greys: np.ndarray | None
    is_corrected: bool


def displayed(dataset: pydicom.Dataset, pixels: np.ndarray) -> Displayed:
    """Return what `pixels` (as decoded, 8 or 16 bits, shape (Rows, Columns)) look like."""
    read = stored(dataset, pixels)
    counts = counted(read.codes, read.levels.size, read.padding)
    shown = tone(dataset, read.levels, counts)
    size, makes_sense = squared_size(dataset, *read.codes.shape)

    def picture(table: np.ndarray) -> np.ndarray:
        if read.padding is None and _changes_nothing(table, read.codes):
            drawn = read.codes  # most films are stored from 0 up, and brighter where larger
        else:
            drawn = looked_up(table, read.codes)
        if read.padding is not None:
            drawn[read.padding] = BACKGROUND
        return _resized(drawn, size, Image.Resampling.BILINEAR)

    deep = None
    if read.levels.size > SHADES:
        table = deep_table(shown)
        deep = Deep(picture(table.values), table.window, table.offset, table.step)
    return Displayed(
        picture(shown.grey),
        deep,
        None if read.padding is None else _resized(read.padding, size, Image.Resampling.NEAREST),
        read.bits,
        np.bincount(shown.grey, counts, SHADES).astype(np.int64) if size == read.codes.shape[::-1] else None,
        is_corrected=shown.is_corrected or read.is_corrected or not makes_sense,
    )


def _changes_nothing(table: np.ndarray, codes: np.ndarray) -> bool:
    return table.dtype == codes.dtype and bool(np.array_equal(table, np.arange(table.size)))


def _resized(drawn: np.ndarray, size: tuple[int, int], how: Image.Resampling) -> np.ndarray:
    if drawn.shape == size[::-1]:
        return drawn
    return np.asarray(Image.fromarray(drawn).resize(size, how))
