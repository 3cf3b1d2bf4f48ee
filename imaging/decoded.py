"""What a decoder hands on, and how it says no: shared by `raster` (PNG, JPEG) and `dicom`."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _

# A stamp or an icon, never a radiograph: the models look at 224 pixels and more.
MIN_LONG_EDGE = 64

# Contrast enhancement cuts a picture into 8 × 8 tiles, and each needs a pixel.
MIN_SHORT_EDGE = 8

# Burnt-in letters and dead detector elements sit at both ends of a 16-bit range; the chest lies between these.
DARKEST_PERCENTILE, BRIGHTEST_PERCENTILE = 0.1, 99.9


# numpy counts, and looks up, in eight bytes a pixel.
ROWS_AT_A_TIME = 64


class Refused(Exception):  # noqa: N818 — an answer to the user, not a fault of the program
    """The file is not kept. The message is for the user: what is wrong and what to do."""


@dataclass(frozen=True)
class Named:
    """Whom a file names as its patient, as far as it says: `sex` in the words of `Patient.Sex`, `age` in years.

    `taken_on` is the file's own word, also where it cannot be: a day still to come. `readings` are further texts that
    the bytes of the name may mean, where it is not sure in which character set they are.
    """

    full_name: str = ""
    readings: tuple[str, ...] = ()
    date_of_birth: date | None = None
    sex: str = ""
    patient_id: str = ""
    age: int | None = None
    taken_on: date | None = None


@dataclass(frozen=True)
class Facts:
    """What a DICOM file says of the exposure, as the columns of an X-ray keep it; "" or None where it does not.

    `taken_at` knows its zone: the file's own, else the clinic's. `further` holds what few files say.
    """

    study_uid: str = ""
    series_uid: str = ""
    sop_uid: str = ""
    accession_number: str = ""
    dicom_patient_id: str = ""
    patient_id_issuer: str = ""
    modality: str = ""
    laterality: str = ""
    device: str = ""
    station: str = ""
    intent: str = ""
    burned_in: bool | None = None
    taken_at: datetime | None = None
    further: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Deep:
    """All the bits of a film that has more than 8.

    `values` is a uint16 array of the shape of `Decoded.grey`, brighter where larger; what is no part of the picture is
    0. `window` are the values that `grey` shows as black and as white, by the straight line that comes nearest. A value
    stands for `offset` + `step` × value in the file's own numbers.
    """

    values: np.ndarray
    window: tuple[float, float]
    offset: float = 0
    step: float = 1

    def told(self) -> dict:
        """What stands in the file beside the values."""
        return {"window": self.window, "offset": self.offset, "step": self.step}


@dataclass(frozen=True)
class Decoded:
    """Pixels and the little that a file says about them.

    `grey` is a uint8 array of shape (height, width), upright, bright where the film is bright (bone is white).
    `background`, a bool array of the same shape, is where there is no film (padding, transparency); None where film
    is everywhere. `greys` says how many pixels have each grey, without the background, where somebody has counted
    already. `bit_depth` is that of the source's samples. `is_corrected` says that the file's word on how it is to
    be shown made no sense in part; `ends_early`, that its coded data are too few for the picture, `is_damaged`, that
    they do not fit it. `view` is "PA", "AP", "LL" or "" where the file does not say. `pixel_spacing` is in
    mm, by the element that `spacing_from` names.
    """

    grey: np.ndarray
    bit_depth: int
    background: np.ndarray | None = None
    greys: np.ndarray | None = None
    is_colour: bool = False
    has_more_pictures: bool = False
    is_corrected: bool = False
    ends_early: bool = False
    is_damaged: bool = False
    deep: Deep | None = None
    pixel_spacing: float | None = None
    spacing_from: str = ""
    view: str = ""
    taken_on: date | None = None


def too_many_pixels() -> Refused:
    message = _("The picture claims more than the %(limit)d megapixels that are read. Export it smaller.")
    return Refused(message % {"limit": settings.PICTURE_MAX_PIXELS // 1_000_000})


def check_dimensions(width: int, height: int) -> None:
    """Raise Refused unless a picture that claims `width` × `height` pixels is worth, and safe, decoding."""
    if width * height > settings.PICTURE_MAX_PIXELS:
        raise too_many_pixels()
    if max(width, height) < MIN_LONG_EDGE or min(width, height) < MIN_SHORT_EDGE:
        raise Refused(
            _("The picture is only %(width)d × %(height)d pixels, too small for an X-ray. Export it at full size.")
            % {"width": width, "height": height}
        )


def counted(values: np.ndarray, levels: int, background: np.ndarray | None = None) -> np.ndarray:
    """Return how many pixels have each of so many values, without the background."""
    counts = np.zeros(levels, np.int64)
    for top in range(0, values.shape[0], ROWS_AT_A_TIME):
        rows = slice(top, top + ROWS_AT_A_TIME)
        used = values[rows].ravel() if background is None else values[rows][~background[rows]]
        counts += np.bincount(used, minlength=levels)
    return counts


def range_used(levels: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """Return between which of its `levels` a picture's lie, which `counts` pixels have each: percentiles, so that a
    marker or a dead pixel does not set it. It is counted alike from either end, so that a negative's is the same."""
    order = np.argsort(levels, kind="stable")
    low = _first_beyond(levels, counts, order, DARKEST_PERCENTILE)
    high = _first_beyond(levels, counts, order[::-1], 100 - BRIGHTEST_PERCENTILE)
    if low == high and counts.any():
        used = levels[counts > 0]
        low, high = float(used.min()), float(used.max())
    return low, high


def _first_beyond(levels: np.ndarray, counts: np.ndarray, order: np.ndarray, percent: float) -> float:
    """The first of the `levels` in `order` that so many pixels lie before."""
    ranks = counts[order].cumsum()
    return float(levels[order[min(np.searchsorted(ranks, percent / 100 * ranks[-1]), order.size - 1)]])


def to_eight_bits(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Scale `values` (uint16, shape (height, width)) to uint8 by the range that they really use.

    A 12-bit film in a 16-bit file uses a sixteenth of the range, so scaling by the file's depth would leave it black.
    By a table, so that no film is held as floats.
    """
    if low == high:
        return np.zeros(values.shape, np.uint8)
    levels = np.arange(1 << 16, dtype=np.float32)
    scaled = (levels - np.float32(low)) * np.float32(255 / (high - low))
    return looked_up(np.clip(scaled, 0, 255).round().astype(np.uint8), values)


def looked_up(table: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return what stands in `table` for each of `values`, which are all in it: so, in half the time of an index."""
    found = np.empty(values.shape, table.dtype)
    for top in range(0, values.shape[0], ROWS_AT_A_TIME):
        rows = slice(top, top + ROWS_AT_A_TIME)
        table.take(values[rows], out=found[rows], mode="clip")
    return found
