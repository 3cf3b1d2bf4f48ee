"""Stored values → those of the picture of all bits, as a table: what was measured, from 0 up, brighter where larger."""

from dataclasses import dataclass

import numpy as np

from imaging.dicom.tone import Tone

MOST = (1 << 16) - 1


@dataclass(frozen=True)
class DeepTable:
    """`values` holds the uint16 value of every stored one; for the rest see `imaging.decoded.Deep`."""

    values: np.ndarray
    window: tuple[float, float]
    offset: float
    step: float


def deep_table(tone: Tone) -> DeepTable:
    """Return the table of a film that is shown by `tone`: its numbers after the modality LUT, and not the window."""
    lowest, span = float(tone.measured.min()), float(np.ptp(tone.measured))
    step = _step(tone.measured, span)
    values = np.rint((tone.measured - lowest) / step)
    low, high = ((end - lowest) / step for end in _window(tone))
    offset = lowest
    if tone.is_inverted:
        most = values.max()
        values, low, high = most - values, most - high, most - low
        offset, step = lowest + step * most, -step
    return DeepTable(values.astype(np.uint16), (low, high), offset, step)


def _step(measured: np.ndarray, span: float) -> float:
    """The smallest difference there is, so that no bit is lost: of a straight line, that between neighbours."""
    smallest = np.diff(np.unique(measured)).min(initial=np.inf)
    return max(float(smallest), span / MOST) if np.isfinite(smallest) else 1.0


def _window(tone: Tone) -> tuple[float, float]:
    """Where black ends and white begins, by the straight line that comes nearest: of a window, that itself."""
    rises = (tone.shown > 0) & (tone.shown < 1)
    if np.unique(tone.measured[rises]).size > 1:
        slope, start = np.polyfit(tone.measured[rises], tone.shown[rises], 1)
        if slope > 0:
            return float(-start / slope), float((1 - start) / slope)
    dark, bright = tone.measured[tone.shown <= 0], tone.measured[tone.shown >= 1]
    low = dark.max(initial=tone.measured.min()) if dark.size else tone.measured.min()
    high = bright.min() if bright.size else tone.measured.max()
    return (float(low), float(high)) if low < high else (float(tone.measured.min()), float(tone.measured.max()))
