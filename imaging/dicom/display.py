"""Decoded pixels → a grey picture, upright pixels square. Works on tables, so that no film is held as floats."""

import math

import numpy as np
import pydicom
from django.conf import settings
from PIL import Image

from imaging.dicom import values
from imaging.dicom.tone import tone

BACKGROUND = 0

# Rows counted at a time: numpy counts in eight bytes a pixel.
ROWS_AT_A_TIME = 256

# Spacings in files are rounded, and what is less out of square than this nobody sees.
SQUARE_ENOUGH = 0.01
MAX_ASPECT = 5

SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio")


def displayed(dataset: pydicom.Dataset, pixels: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return what `pixels` (as decoded, 8 or 16 bits, shape (Rows, Columns)) look like, and whether something the
    file says of that made no sense and was put right."""
    codes = pixels.view(np.uint8 if pixels.itemsize == 1 else np.uint16)
    padding = _padding(dataset, codes)
    stored, has_stray_bits = _stored_bits(dataset, codes, padding)
    levels = _levels(dataset)
    shown = tone(dataset, levels, _counts(stored, padding, levels.size))
    grey = shown.grey[stored]
    if padding is not None:
        grey[padding] = BACKGROUND
    squared, makes_sense = _squared(dataset, grey)
    return squared, shown.is_corrected or has_stray_bits or not makes_sense


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


def _squared(dataset: pydicom.Dataset, grey: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the picture with pixels as wide as they are high, and whether the file's word on that made sense."""
    aspect = _aspect(dataset)
    if aspect is None or abs(aspect - 1) < SQUARE_ENOUGH:
        return grey, True
    if not 1 / MAX_ASPECT <= aspect <= MAX_ASPECT:
        return grey, False
    height, width = grey.shape
    # The shorter side grows, so that nothing is lost; where that is too much, the other one shrinks.
    size = (width, round(height * aspect)) if aspect > 1 else (round(width / aspect), height)
    if math.prod(size) > settings.PICTURE_MAX_PIXELS:
        size = (round(width / aspect), height) if aspect > 1 else (width, round(height * aspect))
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BILINEAR)), True


def _aspect(dataset: pydicom.Dataset) -> float | None:
    """Return the height of a pixel by its width, NaN where it makes no sense, None where the file does not say."""
    for keyword in SPACINGS:
        pair = values.numbers(dataset, keyword)
        if len(pair) == 2:
            height, width = pair
            return height / width if height > 0 and width > 0 else math.nan
    return None
