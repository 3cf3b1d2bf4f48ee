"""How large a pixel is, and whether it is as wide as it is high."""

import math

import pydicom
from django.conf import settings

from imaging.dicom import values

# Spacings in files are rounded, and what is less out of square than this nobody sees.
SQUARE_ENOUGH = 0.01
MAX_ASPECT = 5

PATIENT, DETECTOR, SCANNER = "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"
SPACINGS = (PATIENT, DETECTOR, SCANNER)

# Millimetres that a pixel of a radiograph may measure; what lies beyond is no spacing.
PLAUSIBLE = (0.01, 5)


def squared_size(dataset: pydicom.Dataset, height: int, width: int) -> tuple[tuple[int, int], bool]:
    """Return the width and height of the picture with square pixels, and whether the file's word on that made sense."""
    aspect = _aspect(dataset)
    if aspect is None or abs(aspect - 1) < SQUARE_ENOUGH:
        return (width, height), True
    if not 1 / MAX_ASPECT <= aspect <= MAX_ASPECT:
        return (width, height), False
    # The shorter side grows, so that nothing is lost; where that is too much, the other one shrinks.
    size = (width, round(height * aspect)) if aspect > 1 else (round(width / aspect), height)
    if math.prod(size) > settings.PICTURE_MAX_PIXELS:
        size = (round(width / aspect), height) if aspect > 1 else (width, round(height * aspect))
    return size, True


def spacing(dataset: pydicom.Dataset, width: int) -> tuple[float | None, str]:
    """Return how many mm a pixel of the picture is wide that is `width` pixels wide, and which element says so."""
    for keyword in SPACINGS:
        pair = values.numbers(dataset, keyword)
        if len(pair) == 2 and all(PLAUSIBLE[0] <= one <= PLAUSIBLE[1] for one in pair):
            # PS3.3 10.7.1.3: a spacing that is the detector's own is not calibrated for the patient.
            is_detectors = pair == values.numbers(dataset, DETECTOR)
            return pair[1] * values.declared(dataset, "Columns") / width, DETECTOR if is_detectors else keyword
    return None, ""


def _aspect(dataset: pydicom.Dataset) -> float | None:
    """Return the height of a pixel by its width, NaN where it makes no sense, None where the file does not say.

    PS3.3 C.7.6.3.1.7: the ratio counts where no spacing is given; and so it does where the spacing is none.
    """
    found = None
    for keyword in (*SPACINGS, "PixelAspectRatio"):
        pair = values.numbers(dataset, keyword)
        if len(pair) == 2:
            height, width = pair
            if height > 0 and width > 0:
                return height / width
            found = math.nan
    return found
