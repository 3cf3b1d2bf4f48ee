"""Stored values → what is shown, as tables: 65536 entries stand for every pixel of the largest film.

The order is the standard's (PS3.3 C.11): modality LUT, then VOI LUT or window, and the inversion last. What makes no
sense is left out, and said: the full range is shown in its place.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pydicom

from imaging.decoded import BRIGHTEST_PERCENTILE, DARKEST_PERCENTILE
from imaging.dicom import values

# A window that shows fewer of the pixels in grey lies beside them: the rest is black or white.
MIN_SHARE_IN_GREY = 0.1


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
        return ((1 - self.shown if self.is_inverted else self.shown) * 255).round().astype(np.uint8)


def tone(dataset: pydicom.Dataset, levels: np.ndarray, counts: np.ndarray) -> Tone:
    """Return how `dataset` shows its stored values `levels`, of which its pixels use `counts` each."""
    measured, is_linear, modality_fails = _measured(dataset, levels)
    shown, voi_fails = _chosen(dataset, measured, counts)
    if shown is None:
        shown = _full_range(measured, counts, every_level=is_linear and levels.size <= 256)
    return Tone(
        measured,
        shown,
        is_inverted=values.text(dataset, "PhotometricInterpretation") == "MONOCHROME1",
        is_corrected=modality_fails or voi_fails or _contradicts_itself(dataset),
    )


def _measured(dataset: pydicom.Dataset, levels: np.ndarray) -> tuple[np.ndarray, bool, bool]:
    """Return `levels` through the modality LUT, whether that is a straight line, and whether it made no sense."""
    stored = levels.astype(np.float64)
    if tables := values.items(dataset, "ModalityLUTSequence"):
        looked_up = _looked_up(tables[0], stored)
        return (stored, True, True) if looked_up is None else (looked_up, False, False)
    slope, intercept = (values.first_number(dataset, name) for name in ("RescaleSlope", "RescaleIntercept"))
    with np.errstate(all="ignore"):
        rescaled = stored * (1 if slope is None else slope) + (intercept or 0)
        makes_sense = np.isfinite(rescaled).all() and np.diff(rescaled).all()
    return (rescaled, True, False) if makes_sense else (stored, True, True)


def _chosen(dataset: pydicom.Dataset, measured: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray | None, bool]:
    """Return the first VOI LUT or window that shows something, from 0 to 1, and whether one before it did not."""
    fails = False
    for shown in _candidates(dataset, measured):
        if shown is not None and _share_in_grey(shown, counts) >= MIN_SHARE_IN_GREY:
            return shown, fails
        fails = True
    return None, fails


def _candidates(dataset: pydicom.Dataset, measured: np.ndarray) -> Iterator[np.ndarray | None]:
    for table in values.items(dataset, "VOILUTSequence"):
        looked_up = _looked_up(table, measured)
        yield None if looked_up is None else _stretched(looked_up, looked_up.min(), looked_up.max())
    centers, widths = (values.numbers(dataset, name) for name in ("WindowCenter", "WindowWidth"))
    function = values.text(dataset, "VOILUTFunction").upper() or "LINEAR"
    for center, width in zip(centers, widths, strict=False):
        yield _windowed(measured, center, width, function)
    if len(centers) != len(widths):
        yield None


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


def _looked_up(table: pydicom.Dataset, measured: np.ndarray) -> np.ndarray | None:
    """Return `measured` through one item of a LUT sequence; None where it holds no table, or one of a single value."""
    descriptor, entries = values.numbers(table, "LUTDescriptor"), _entries(table)
    if len(descriptor) != 3 or not np.isfinite(descriptor).all() or entries is None:
        return None
    length, first = int(descriptor[0]) or 65536, descriptor[1]
    if entries.size < length or not np.ptp(entries[:length]):
        return None
    if first > 32767 and measured.min() < 0:  # a signed number that was written as an unsigned one
        first -= 65536
    return entries[np.clip(measured - first, 0, length - 1).astype(np.intp)]


def _entries(table: pydicom.Dataset) -> np.ndarray | None:
    data, descriptor = values.raw(table, "LUTData"), values.numbers(table, "LUTDescriptor")
    if isinstance(data, bytes):
        is_bytes = len(descriptor) == 3 and len(data) < 2 * (int(descriptor[0]) or 65536)
        order = "<" if table.original_encoding[1] is not False else ">"
        return np.frombuffer(data[: len(data) // 2 * 2], np.uint8 if is_bytes else f"{order}u2").astype(np.float64)
    entries = np.array(values.numbers(table, "LUTData"), np.float64)
    return entries if entries.size and np.isfinite(entries).all() else None


def _full_range(measured: np.ndarray, counts: np.ndarray, *, every_level: bool) -> np.ndarray:
    """Stretch what the pixels use; `every_level`, all that could be used: an 8-bit film is shown as it is.

    Burnt-in letters and dead detector elements sit at both ends of a 16-bit range, so that two percentiles bound it.
    """
    if every_level:
        return _stretched(measured, measured.min(), measured.max())
    order = np.argsort(measured, kind="stable")
    ranks = counts[order].cumsum()
    ends = [DARKEST_PERCENTILE / 100 * ranks[-1], BRIGHTEST_PERCENTILE / 100 * ranks[-1]]
    low, high = measured[order[np.minimum(np.searchsorted(ranks, ends), order.size - 1)]]
    if low == high:
        used = measured[counts > 0]
        low, high = (used.min(), used.max()) if used.size else (low, high)
    return _stretched(measured, low, high)


def _stretched(measured: np.ndarray, low: float, high: float) -> np.ndarray:
    if low == high:
        return np.zeros(measured.shape)
    return np.clip(measured / (high - low) - low / (high - low), 0, 1)


def _share_in_grey(shown: np.ndarray, counts: np.ndarray) -> float:
    return counts[(shown > 0.002) & (shown < 0.998)].sum() / max(counts.sum(), 1)


def _contradicts_itself(dataset: pydicom.Dataset) -> bool:
    """Of a DX film, IDENTITY goes with MONOCHROME2 and INVERSE with MONOCHROME1 (PS3.3 C.8.11.3)."""
    shape, kind = (values.text(dataset, name) for name in ("PresentationLUTShape", "PhotometricInterpretation"))
    expected = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}
    return values.text(dataset, "Modality") == "DX" and shape in expected.values() and shape != expected.get(kind)
