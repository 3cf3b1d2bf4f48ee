"""Stored values → what is shown, as tables: 65536 entries stand for every pixel of the largest film.

The order is the standard's (PS3.3 C.11): modality LUT, then VOI LUT or window, and the inversion last. What makes no
sense is left out, and said: the full range is shown in its place.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pydicom

from imaging.decoded import range_used
from imaging.dicom import values

# A window that shows fewer of the pixels in grey lies beside them: the rest is black or white.
MIN_SHARE_IN_GREY = 0.1

# And so does one that makes black, or white, of more of them than this, which differ: a background is alike.
MAX_SHARE_LOST = 0.6
SHADES_TOLD_APART = 32
BLACK, WHITE = 0.002, 0.998

# A window that shows nearly all pixels within this part of the scale, where the full range would not, is far too wide.
NEARLY_ALL = 0.05, 0.95
MIN_SPREAD = 0.1

# Rounding must not depend on the way by which a film came to its grey.
DECIMALS = 6


@dataclass(frozen=True)
class Tone:
    """What is known of every stored value, in the order of `levels`: `measured`, its number after the modality LUT;
    `shown`, from 0 to 1, its grey before the inversion; and `grey`, its uint8 level. `is_corrected` says that some of
    what the file says about it made no sense."""

    measured: np.ndarray
    shown: np.ndarray
    is_inverted: bool
    is_corrected: bool

    @property
    def grey(self) -> np.ndarray:
        levels = (1 - self.shown if self.is_inverted else self.shown) * 255
        return np.floor(levels.round(DECIMALS) + 0.5).astype(np.uint8)


def tone(dataset: pydicom.Dataset, levels: np.ndarray, counts: np.ndarray) -> Tone:
    """Return how `dataset` shows its stored values `levels`, of which its pixels use `counts` each."""
    measured, is_linear, modality_fails = _measured(dataset, levels)
    full = _full_range(measured, counts, every_level=is_linear and levels.size <= 256)
    shown, voi_fails = _chosen(dataset, measured, counts, full)
    return Tone(
        measured,
        shown,
        is_inverted=values.word(dataset, "PhotometricInterpretation") == "MONOCHROME1",
        is_corrected=modality_fails or voi_fails or _contradicts_itself(dataset),
    )


def _measured(dataset: pydicom.Dataset, levels: np.ndarray) -> tuple[np.ndarray, bool, bool]:
    """Return `levels` through the modality LUT, whether that is a straight line, and whether it made no sense."""
    stored = levels.astype(np.float64)
    tables = values.items(dataset, "ModalityLUTSequence")
    for table in tables[:1]:
        if (looked_up := _looked_up(table, stored)) is not None:
            return looked_up, False, False
    slope, intercept = (values.first_number(dataset, name) for name in ("RescaleSlope", "RescaleIntercept"))
    with np.errstate(all="ignore"):
        rescaled = stored * (1 if slope is None else slope) + (intercept or 0)
        makes_sense = np.isfinite(rescaled).all() and np.diff(rescaled).all()
    return (rescaled, True, bool(tables)) if makes_sense else (stored, True, True)


def _chosen(
    dataset: pydicom.Dataset, measured: np.ndarray, counts: np.ndarray, full: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Return the first VOI LUT or window that shows something, from 0 to 1, else the `full` range; and whether what the
    file says of it made no sense."""
    fails = False
    for shown, is_corrected in _candidates(dataset, measured):
        if shown is not None and _shows_something(shown, measured, counts, full):
            return shown, fails or is_corrected
        fails = True
    return full, fails


def _candidates(dataset: pydicom.Dataset, measured: np.ndarray) -> Iterator[tuple[np.ndarray | None, bool]]:
    """Yield each of the file's ways to show it, None where it is none, and whether it was put right."""
    for table in values.items(dataset, "VOILUTSequence"):
        yield _looked_up_in_grey(table, measured)
    centers, widths = (values.numbers(dataset, name) for name in ("WindowCenter", "WindowWidth"))
    function = values.word(dataset, "VOILUTFunction") or "LINEAR"
    for center, width in zip(centers, widths, strict=False):
        yield _windowed(measured, center, width, function), False
    if len(centers) != len(widths):
        yield None, True


def _windowed(measured: np.ndarray, center: float, width: float, function: str) -> np.ndarray | None:
    """PS3.3 C.11.2.1.2 and .3. None where the numbers are none that it allows."""
    if not (math.isfinite(center) and math.isfinite(width)) or width <= 0 or (function == "LINEAR" and width < 1):
        return None
    with np.errstate(all="ignore"):
        if function == "SIGMOID":
            shown = 1 / (1 + np.exp(-4 * (measured - center) / width))
        elif function == "LINEAR_EXACT":
            shown = (measured - center) / width + 0.5
        else:
            shown = (measured - (center - 0.5)) / max(width - 1, 1e-9) + 0.5
    return np.clip(shown, 0, 1) if np.isfinite(shown).all() else None


def _looked_up_in_grey(table: pydicom.Dataset, measured: np.ndarray) -> tuple[np.ndarray | None, bool]:
    """PS3.3 C.11.2.1.1: white is the largest number of so many bits as the descriptor says. Where the entries take more
    bits, or never the highest, it is theirs that count."""
    looked_up, entries = _looked_up(table, measured), _entries(table)
    if looked_up is None or entries is None:
        return None, True
    bits = int(entries.max()).bit_length()
    return looked_up / ((1 << bits) - 1), values.numbers(table, "LUTDescriptor")[2] != bits


def _looked_up(table: pydicom.Dataset, measured: np.ndarray) -> np.ndarray | None:
    """Return `measured` through one item of a LUT sequence; None where it holds no table, or one of a single value."""
    descriptor, entries = values.numbers(table, "LUTDescriptor"), _entries(table)
    if len(descriptor) != 3 or not np.isfinite(descriptor).all() or entries is None:
        return None
    length, first = _length(descriptor), descriptor[1]
    if entries.size < length or not np.ptp(entries[:length]):
        return None
    if first > 32767 and measured.min() < 0:  # a signed number that was written as an unsigned one
        first -= 65536
    return entries[np.clip(measured - first, 0, length - 1).astype(np.intp)]


def _entries(table: pydicom.Dataset) -> np.ndarray | None:
    data, descriptor = values.raw(table, "LUTData"), values.numbers(table, "LUTDescriptor")
    if isinstance(data, bytes):
        is_bytes = len(descriptor) == 3 and len(data) < 2 * _length(descriptor)
        order = "<" if table.original_encoding[1] is not False else ">"
        return np.frombuffer(data[: len(data) // 2 * 2], np.uint8 if is_bytes else f"{order}u2").astype(np.float64)
    entries = np.array(values.numbers(table, "LUTData"), np.float64) % 65536  # never signed, however they are written
    return entries if entries.size and np.isfinite(entries).all() else None


def _length(descriptor: list[float]) -> int:
    """How many entries: 65536 is written as 0, and what is more than a signed number holds may be as a negative one."""
    return int(descriptor[0]) % 65536 or 65536


def _full_range(measured: np.ndarray, counts: np.ndarray, *, every_level: bool) -> np.ndarray:
    """Stretch what the pixels use; `every_level`, all that could be used: an 8-bit film is shown as it is.

    Burnt-in letters and dead detector elements sit at both ends of a 16-bit range, so that two percentiles bound it.
    """
    if every_level:
        return _stretched(measured, measured.min(), measured.max())
    return _stretched(measured, *range_used(measured, counts))


def _stretched(measured: np.ndarray, low: float, high: float) -> np.ndarray:
    if low == high:
        return np.zeros(measured.shape)
    return np.clip(measured / (high - low) - low / (high - low), 0, 1)


def _shows_something(shown: np.ndarray, measured: np.ndarray, counts: np.ndarray, full: np.ndarray) -> bool:
    black, white, pixels = shown <= BLACK, shown >= WHITE, max(counts.sum(), 1)
    if counts[~black & ~white].sum() < MIN_SHARE_IN_GREY * pixels:
        return False
    if max(_lost(black, measured, counts), _lost(white, measured, counts)) > MAX_SHARE_LOST * pixels:
        return False
    return _spread(shown, counts) >= min(MIN_SPREAD, _spread(full, counts) / 2)


def _lost(is_lost: np.ndarray, measured: np.ndarray, counts: np.ndarray) -> float:
    """How many pixels are made one, but for the most that were one before: of a background, or beyond the detector."""
    low, high = range_used(measured, counts)
    shades = np.clip((measured - low) / ((high - low) or 1) * SHADES_TOLD_APART, 0, SHADES_TOLD_APART - 1)
    lost = np.bincount(shades[is_lost].astype(int), counts[is_lost], SHADES_TOLD_APART)
    return float(lost.sum() - lost.max())


def _spread(shown: np.ndarray, counts: np.ndarray) -> float:
    """What part of the scale nearly all pixels take up."""
    order = np.argsort(shown, kind="stable")
    ranks = counts[order].cumsum()
    ends = np.searchsorted(ranks, [part * ranks[-1] for part in NEARLY_ALL])
    dark, bright = shown[order[np.minimum(ends, order.size - 1)]]
    return float(bright - dark)


def _contradicts_itself(dataset: pydicom.Dataset) -> bool:
    """IDENTITY goes with MONOCHROME2 and INVERSE with MONOCHROME1; of a DX film it may be nothing else (PS3.3
    C.8.11.3)."""
    shape = values.word(dataset, "PresentationLUTShape")
    shapes = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}
    is_meant = shape in shapes.values() or (shape and values.word(dataset, "Modality") == "DX")
    return bool(is_meant) and shape != shapes.get(values.word(dataset, "PhotometricInterpretation"))
