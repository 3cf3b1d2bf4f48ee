"""Stored DICOM values → the grey picture that a radiologist's screen would show (PS3.3 C.7.6.3, C.11; PS3.14).

In the order of the standard: what is padding comes out; modality LUT or rescale; VOI LUT or window; the inversion of
MONOCHROME1 last; and the padding as background. What a file says of its grey scale and cannot mean (a slope of 0, a
window beside all of its values, an empty table) is left out: the full range is shown, and the picture is marked.
Values are float32 at most: a film of the largest panels would take a gigabyte in copies of float64.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array

from imaging.decoded import MAX_PIXELS, to_eight_bits

# A window that covers less than this share of the values' own range shows a film as black, white, or both.
LEAST_COVERED = 0.2
MIDDLE = (5, 95)  # percentiles between which the values' own range is taken

# Beyond this a pixel's proportions are a mistake, and not a detector's.
STRANGEST_ASPECT = 4.0
SQUARE = 0.01  # how far from 1 the proportion may be

# (height, width) of a pixel, by the tags that say so, the most direct first. PixelAspectRatio is vertical\horizontal.
PROPORTIONS = ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")

LUT_FAULTS = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Rendered:
    """`grey` is uint8 of shape (height, width), square pixels. `is_guessed`: the file's grey scale makes no sense."""

    grey: np.ndarray
    is_guessed: bool


def render(dataset: Dataset) -> Rendered:
    """The picture of a single greyscale frame."""
    # With the bits that hold no value: whether they are padding, an overlay or a mistake is asked below.
    raw = pixel_array(dataset, correct_unused_bits=False)
    padding = padding_of(raw, dataset)
    stored, is_whole = _stored(raw, dataset)
    values, slope_made_sense = _through_modality(stored, dataset)
    shown, window_made_sense = _through_window(values, padding, dataset)
    if shown is not None:
        grey = to_eight_bits(shown, clip=False, leave_out=padding)
    elif stored.dtype == np.uint8 and values.ndim == 2 and not _has_lut(dataset, "ModalityLUTSequence"):
        grey = 255 - stored if _slope(dataset)[0] < 0 else stored
    else:
        grey = to_eight_bits(values, clip=True, leave_out=padding)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        grey = 255 - grey
    if padding is not None:
        grey = np.where(padding, np.uint8(0), grey)
    makes_sense = is_whole and slope_made_sense and window_made_sense and not _contradicts_its_shape(dataset)
    return Rendered(_with_square_pixels(grey, dataset), is_guessed=not makes_sense)


# -- What is stored ---------------------------------------------------------------------------------------------------


def padding_of(raw: np.ndarray, dataset: Dataset) -> np.ndarray | None:
    """A mask of the pixels that hold no picture (C.7.5.1.1.2), None where there are none, or nothing but them."""
    first = _whole(dataset.get("PixelPaddingValue"))
    if first is None:
        return None
    last = _whole(dataset.get("PixelPaddingRangeLimit"))
    low, high = sorted((_as_stored(first, raw), _as_stored(first if last is None else last, raw)))
    mask = (raw >= low) & (raw <= high)
    share = mask.mean()
    return mask if 0 < share < 1 else None


def _as_stored(value: int, raw: np.ndarray) -> int:
    """The number as the pixels hold it: its tag may have been written with the other sign."""
    return int(np.array(value % 2 ** (8 * raw.itemsize), np.uint64).astype(raw.dtype))


def _stored(raw: np.ndarray, dataset: Dataset) -> tuple[np.ndarray, bool]:
    """The values of `BitsStored` bits, and whether all of them fit into so many."""
    bits, allocated = dataset.BitsStored, dataset.BitsAllocated
    high = dataset.get("HighBit")
    above = (bits - 1 if high is None else high) + 1 - bits
    if not (0 < bits < allocated) or above < 0:
        return raw, 0 < bits <= allocated
    unsigned = raw.view(f"u{raw.itemsize}")
    if above:
        unsigned = unsigned >> above
    inside = unsigned & ((1 << bits) - 1)
    if dataset.PixelRepresentation:
        sign = 1 << (bits - 1)
        return (inside.astype(np.int32) ^ sign) - sign, True
    # Overlays once lived in the bits above; where none is declared, the file says too few bits of its own values.
    if np.array_equal(inside, unsigned) or _has_overlays_in_pixels(dataset):
        return inside, True
    padding = padding_of(raw, dataset)
    is_only_padding = padding is not None and np.array_equal(inside[~padding], unsigned[~padding])
    return (inside if is_only_padding else unsigned), is_only_padding


def _has_overlays_in_pixels(dataset: Dataset) -> bool:
    return any(element.tag.group in range(0x6000, 0x6020, 2) and element.tag.element == 0x0102 for element in dataset)


# -- Grey scale -------------------------------------------------------------------------------------------------------


def _through_modality(stored: np.ndarray, dataset: Dataset) -> tuple[np.ndarray, bool]:
    """Values through the modality LUT or rescale, and whether what the file says of it made sense."""
    if _has_lut(dataset, "ModalityLUTSequence"):
        try:
            values = apply_modality_lut(stored, dataset)
        except LUT_FAULTS:
            return stored, False
        return (values, True) if values.min() < values.max() else (stored, False)
    slope, intercept = _slope(dataset)
    said = _number(dataset.get("RescaleSlope"))
    made_sense = said is None or said == slope
    if (slope, intercept) == (1, 0):
        return stored, made_sense
    return stored.astype(np.float32) * np.float32(slope) + np.float32(intercept), made_sense


def _slope(dataset: Dataset) -> tuple[float, float]:
    """Slope and intercept; what is blank counts as absent, and a slope that would leave one grey as 1."""
    slope, intercept = _number(dataset.get("RescaleSlope")), _number(dataset.get("RescaleIntercept"))
    usable = slope is not None and math.isfinite(slope) and slope != 0
    return slope if usable else 1, intercept if intercept is not None and math.isfinite(intercept) else 0


def _through_window(values: np.ndarray, padding: np.ndarray | None, dataset: Dataset) -> tuple[np.ndarray | None, bool]:
    """Values through the VOI LUT or the window; None where there is none or it makes no sense, and which of the two."""
    picture = values if padding is None else values[~padding]
    if _has_lut(dataset, "VOILUTSequence"):
        try:
            shown = apply_voi_lut(values.round().astype(np.int32) if values.dtype.kind == "f" else values, dataset)
        except LUT_FAULTS:
            return None, False
        inside = shown if padding is None else shown[~padding]
        return (shown, True) if np.ptp(np.percentile(inside, MIDDLE)) > 0 else (None, False)
    window = _window(dataset)
    if window is None:
        return None, not (_is_given(dataset, "WindowCenter") or _is_given(dataset, "WindowWidth"))
    low, high = window
    dark, bright = np.percentile(picture, MIDDLE)
    covered = min(high, bright) - max(low, dark)
    if covered < LEAST_COVERED * (bright - dark):
        return None, False
    if str(dataset.get("VOILUTFunction") or "").upper() == "SIGMOID":
        centre, width = np.float32((low + high) / 2), np.float32(max(high - low, 1))
        return 1 / (1 + np.exp(-4 * (values.astype(np.float32) - centre) / width)), True
    return np.clip(values, low, high), True


def _window(dataset: Dataset) -> tuple[float, float] | None:
    """The lowest and the highest value of the first window (C.11.2.1.2), None where there is none that means one."""
    centre, width = _number(dataset.get("WindowCenter")), _number(dataset.get("WindowWidth"))
    if centre is None or width is None or not (math.isfinite(centre) and math.isfinite(width)):
        return None
    exact = str(dataset.get("VOILUTFunction") or "").upper() in ("LINEAR_EXACT", "SIGMOID")
    if exact:
        return (centre - width / 2, centre + width / 2) if width > 0 else None
    return (centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2) if width > 1 else None


def _has_lut(dataset: Dataset, keyword: str) -> bool:
    """Whether there is a table with anything in it; an empty sequence counts as absent."""
    sequence = dataset.get(keyword)
    return bool(sequence) and _is_given(sequence[0], "LUTData") and _is_given(sequence[0], "LUTDescriptor")


def _contradicts_its_shape(dataset: Dataset) -> bool:
    """MONOCHROME1 goes with INVERSE, MONOCHROME2 with IDENTITY."""
    shape = str(dataset.get("PresentationLUTShape") or "").upper()
    wanted = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}
    return shape in wanted.values() and shape != wanted[dataset.PhotometricInterpretation]


# -- Shape ------------------------------------------------------------------------------------------------------------


def _with_square_pixels(grey: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Stretched to the shape that the film has, where a pixel is higher than wide or wider than high."""
    proportion = _proportion(dataset)
    if abs(proportion - 1) <= SQUARE:
        return grey
    height, width = grey.shape
    size = (width, round(height * proportion)) if proportion > 1 else (round(width / proportion), height)
    if size[0] * size[1] > MAX_PIXELS:
        size = (round(width / proportion), height) if proportion > 1 else (width, round(height * proportion))
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BILINEAR))


def _proportion(dataset: Dataset) -> float:
    """A pixel's height by its width; 1 where the file does not say, or says what no detector has."""
    for keyword in PROPORTIONS:
        said = dataset.get(keyword)
        if not said or isinstance(said, str | int | float) or len(said) != 2:
            continue
        height, width = _number(said[0]), _number(said[1])
        if height and width and 0 < height < math.inf and 0 < width < math.inf:
            proportion = height / width
            return proportion if 1 / STRANGEST_ASPECT <= proportion <= STRANGEST_ASPECT else 1
    return 1


# -- What an element says ---------------------------------------------------------------------------------------------


def _is_given(dataset: Dataset, keyword: str) -> bool:
    value = dataset.get(keyword)
    return value is not None and value != "" and (not hasattr(value, "__len__") or len(value) > 0)


def _number(value) -> float | None:
    """The first of one or several numbers; None where there is none, as in an element that is there and empty."""
    if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue":
        value = value[0] if len(value) else None
    try:
        return None if value is None or value == "" else float(value)
    except (TypeError, ValueError):
        return None


def _whole(value) -> int | None:
    if isinstance(value, bytes):  # of an ambiguous VR, in the byte order of nearly every file
        value = int.from_bytes(value[:2], "little") if value else None
    number = _number(value)
    return int(number) if number is not None and math.isfinite(number) else None
