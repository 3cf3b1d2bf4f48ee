"""Decoded pixels → a grey picture, upright pixels square. Works on tables, so that no film is held as floats."""

from dataclasses import dataclass

import numpy as np
import pydicom
from PIL import Image

from imaging.decoded import Deep
from imaging.dicom import values
from imaging.dicom.deep import deep_table
from imaging.dicom.spacing import squared_size
from imaging.dicom.tone import tone

BACKGROUND = 0

# Rows counted at a time: numpy counts in eight bytes a pixel.
ROWS_AT_A_TIME = 256

SHADES = 256  # of what a screen shows


@dataclass(frozen=True)
class Displayed:
    """`grey` is what a screen shows, `deep` holds all the bits where there are more than it does; `is_corrected` says
    that something the file says of that made no sense and was put right."""

    grey: np.ndarray
    deep: Deep | None
    is_corrected: bool


def displayed(dataset: pydicom.Dataset, pixels: np.ndarray) -> Displayed:
    """Return what `pixels` (as decoded, 8 or 16 bits, shape (Rows, Columns)) look like."""
    codes = pixels.view(np.uint8 if pixels.itemsize == 1 else np.uint16)
    padding = _padding(dataset, codes)
    stored, has_stray_bits = _stored_bits(dataset, codes, padding)
    levels = _levels(dataset)
    shown = tone(dataset, levels, _counts(stored, padding, levels.size))
    size, makes_sense = squared_size(dataset, *stored.shape)

    def picture(table: np.ndarray) -> np.ndarray:
        drawn = table[stored]
        if padding is not None:
            drawn[padding] = BACKGROUND
        return _resized(drawn, size)

    deep = None
    if levels.size > SHADES:
        table = deep_table(shown)
        deep = Deep(picture(table.values), table.window, table.offset, table.step)
    return Displayed(picture(shown.grey), deep, shown.is_corrected or has_stray_bits or not makes_sense)


def _resized(drawn: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if drawn.shape == size[::-1]:
        return drawn
    return np.asarray(Image.fromarray(drawn).resize(size, Image.Resampling.BILINEAR))


def _padding(dataset: pydicom.Dataset, codes: np.ndarray) -> np.ndarray | None:
    """Return where the pixels are no part of the picture; None where none is, or where nothing else would be left."""
    one, other = (values.whole(dataset, name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit"))
    if one is None:
        return None
    kind = np.dtype(f"{'i' if _is_signed(dataset) else 'u'}{codes.itemsize}")
    first, last = sorted(_as(end, kind) for end in (one, one if other is None else other))
    as_written = codes.view(kind)
    padding = as_written == first if first == last else (as_written >= first) & (as_written <= last)
    if kind.kind == "i":
        # A signed number may be written in the bits stored alone, without its sign in those above.
        bits = (1 << values.declared(dataset, "BitsStored")) - 1
        if first == last and (first & bits) >= 0 and first < 0:
            padding |= codes == (first & bits)
    return padding if padding.any() and not padding.all() else None


def _as(number: int, kind: np.dtype) -> int:
    """The number that these bits are in the pixels' own kind: files write -32768 as 32768 and the other way."""
    return int(np.array(number % (1 << 8 * kind.itemsize), f"u{kind.itemsize}").view(kind))


def _stored_bits(dataset: pydicom.Dataset, codes: np.ndarray, padding: np.ndarray | None) -> tuple[np.ndarray, bool]:
    """Return the bits that are the pixel, moved down to 0, and whether others that say nothing are set.

    Bits above the stored ones may repeat the sign, and bits beside them were once graphics drawn over the picture.
    """
    stored, high = values.declared(dataset, "BitsStored"), _high_bit(dataset)
    width = codes.itemsize * 8
    if stored == width:
        return codes, False
    kept = (codes >> (high + 1 - stored)) & ((1 << stored) - 1)
    rebuilt = kept << (high + 1 - stored)
    if _is_signed(dataset):
        sign = (kept >> (stored - 1)).astype(bool)
        above = ((1 << width) - 1) ^ ((1 << (high + 1)) - 1)
        differs = (codes != rebuilt) & ~(sign & (codes == rebuilt | codes.dtype.type(above)))
    else:
        differs = codes != rebuilt
    if padding is not None:
        differs &= ~padding
    return kept, bool(differs.any())


def _high_bit(dataset: pydicom.Dataset) -> int:
    high = values.whole(dataset, "HighBit")
    return values.declared(dataset, "BitsStored") - 1 if high is None else high


def _is_signed(dataset: pydicom.Dataset) -> bool:
    return values.whole(dataset, "PixelRepresentation") == 1


def _levels(dataset: pydicom.Dataset) -> np.ndarray:
    """Return the number that each pattern of the stored bits stands for, those of negative numbers last."""
    size = 1 << values.declared(dataset, "BitsStored")
    levels = np.arange(size)
    return np.where(levels >= size // 2, levels - size, levels) if _is_signed(dataset) else levels


def _counts(stored: np.ndarray, padding: np.ndarray | None, size: int) -> np.ndarray:
    counts = np.zeros(size, np.int64)
    for top in range(0, stored.shape[0], ROWS_AT_A_TIME):
        rows = stored[top : top + ROWS_AT_A_TIME]
        used = rows.ravel() if padding is None else rows[~padding[top : top + ROWS_AT_A_TIME]]
        counts += np.bincount(used, minlength=size)
    return counts
