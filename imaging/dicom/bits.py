"""Which bits of a decoded pixel are its number, what number that is, and which pixels are no part of the picture."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pydicom

from imaging.dicom import values

Reading = tuple[np.ndarray, np.ndarray]  # codes and levels, as in Stored

# Every so many rows tell how smooth a picture is.
ROWS_APART = 4


@dataclass(frozen=True)
class Stored:
    """`codes` are the bits of each pixel, moved down to 0, and `levels` the number that each pattern of them stands
    for; `padding` is where pixels are no part of the picture, None where none is. `is_corrected` says that the file's
    word on this made no sense in part."""

    codes: np.ndarray
    levels: np.ndarray
    padding: np.ndarray | None
    is_corrected: bool

    @property
    def bits(self) -> int:
        return (self.levels.size - 1).bit_length()


def stored(dataset: pydicom.Dataset, pixels: np.ndarray) -> Stored:
    """Return what `pixels` (as decoded, 8 or 16 bits) hold.

    Bits above the stored ones may repeat the sign, and bits beside them were once graphics drawn over the picture; or
    they belong to it, and the file says too few. A picture is the smoother of the two.
    """
    whole: np.ndarray = pixels.view(np.uint8 if pixels.itemsize == 1 else np.uint16)
    bits, is_signed = values.declared(dataset, "BitsStored"), values.whole(dataset, "PixelRepresentation") == 1
    shift = _high_bit(dataset) + 1 - bits
    codes = whole if _are_all_stored(whole, bits, shift) else (whole >> shift) & ((1 << bits) - 1)
    read: Reading = codes, _levels(bits, is_signed=is_signed)
    padding, is_all = _padding(dataset, whole, *read)
    has_stray_bits = codes is not whole and _has_stray_bits(whole, codes, shift, bits, padding, is_signed=is_signed)
    if has_stray_bits:
        read = min(
            (read, *_readings_of_all_bits(whole, is_signed=is_signed)),
            key=lambda one: _roughness(*one, padding=padding),
        )
    return Stored(*read, padding, has_stray_bits or is_all)


def _are_all_stored(whole: np.ndarray, bits: int, shift: int) -> bool:
    """Whether no bit is set but the lowest ones, which are those stored: then nothing is moved, nor copied."""
    return bits == whole.itemsize * 8 or (shift == 0 and int(whole.max()) < 1 << bits)


def _readings_of_all_bits(whole: np.ndarray, *, is_signed: bool) -> Iterator[Reading]:
    for signed in (is_signed, True):
        yield whole, _levels(whole.itemsize * 8, is_signed=signed)


def _high_bit(dataset: pydicom.Dataset) -> int:
    high = values.whole(dataset, "HighBit")
    return values.declared(dataset, "BitsStored") - 1 if high is None else high


def _levels(bits: int, *, is_signed: bool) -> np.ndarray:
    """Return the number that each pattern of so many bits stands for, those of negative numbers last."""
    levels = np.arange(1 << bits)
    return np.where(levels >= levels.size // 2, levels - levels.size, levels) if is_signed else levels


def _has_stray_bits(
    whole: np.ndarray, codes: np.ndarray, shift: int, bits: int, padding: np.ndarray | None, *, is_signed: bool
) -> bool:
    """Whether bits that say nothing are set, in what is no padding."""
    rebuilt = codes << shift
    if is_signed:
        above = whole.dtype.type((1 << whole.itemsize * 8) - (1 << (shift + bits)))
        rebuilt |= ((codes >> (bits - 1)) * above) & (whole & above)
    differs = whole != rebuilt
    if padding is not None:
        differs &= ~padding
    return bool(differs.any())


def _roughness(codes: np.ndarray, levels: np.ndarray, *, padding: np.ndarray | None) -> int:
    """How far neighbours lie apart, altogether."""
    steps = np.abs(np.diff(levels[codes[::ROWS_APART]], axis=1))
    if padding is not None:
        beside = padding[::ROWS_APART]
        steps[beside[:, 1:] | beside[:, :-1]] = 0
    return int(steps.sum())


def _padding(
    dataset: pydicom.Dataset, whole: np.ndarray, codes: np.ndarray, levels: np.ndarray
) -> tuple[np.ndarray | None, bool]:
    """Return where the pixels are no part of the picture, None where none is, and whether nothing else would be left.

    The number is written in all the bits, or in those stored alone: without its sign in those above.
    """
    one, other = (values.whole(dataset, name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit"))
    if one is None:
        return None, False
    kind = np.dtype(f"{'i' if levels[-1] < 0 else 'u'}{whole.itemsize}")
    first, last = sorted(_as(end, kind) for end in (one, one if other is None else other))
    padding = _between(whole.view(kind), first, last)
    if levels.size < 1 << 8 * whole.itemsize:
        padding |= _between(levels, first, last)[codes]
    if padding.all():
        return None, True
    return padding if padding.any() else None, False


def _between(numbers: np.ndarray, first: int, last: int) -> np.ndarray:
    return numbers == first if first == last else (numbers >= first) & (numbers <= last)


def _as(number: int, kind: np.dtype) -> int:
    """The number that these bits are in the pixels' own kind: files write -32768 as 32768 and the other way."""
    return int(np.array(number % (1 << 8 * kind.itemsize), f"u{kind.itemsize}").view(kind))
