"""What makes a picture doubtful. An issue warns; it never keeps a picture out."""

from collections.abc import Iterator

import numpy as np
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from PIL import Image

from imaging.decoded import Decoded

# The smallest input among the models: below it they look at invented pixels.
MIN_SHORT_EDGE = 224

# A chest is about as wide as it is high. Beyond this it is a strip, or several films on one sheet.
MAX_PROPORTION = 2.0

# Grey levels between the 5th and the 95th percentile; a chest film spans well over a hundred.
MIN_CONTRAST = 40

# A scan in black and white, or a picture posterised on its way here.
MIN_GREY_LEVELS = 24


class QualityIssue(TextChoices):
    LOW_RESOLUTION = "low_resolution", _("low resolution")
    LOW_CONTRAST = "low_contrast", _("low contrast")
    FEW_GREY_LEVELS = "few_grey_levels", _("few grey levels")
    COLOUR_PICTURE = "colour_picture", _("colour picture")
    UNUSUAL_PROPORTIONS = "unusual_proportions", _("unusual proportions")
    FIRST_PICTURE_ONLY = "first_picture_only", _("only the first of several pictures")
    DISPLAY_CORRECTED = "display_corrected", _("the file's own brightness or proportions make no sense")


def quality_issues(decoded: Decoded) -> list[QualityIssue]:
    """Return what is doubtful about `decoded`."""
    return list(_issues(decoded))


def _issues(decoded: Decoded) -> Iterator[QualityIssue]:
    height, width = decoded.grey.shape
    counts = _counts(decoded)
    dark, bright = np.searchsorted(counts.cumsum(), [0.05 * counts.sum(), 0.95 * counts.sum()])
    if min(width, height) < MIN_SHORT_EDGE:
        yield QualityIssue.LOW_RESOLUTION
    if bright - dark < MIN_CONTRAST:
        yield QualityIssue.LOW_CONTRAST
    if np.count_nonzero(counts) < MIN_GREY_LEVELS:
        yield QualityIssue.FEW_GREY_LEVELS
    if decoded.is_colour:
        yield QualityIssue.COLOUR_PICTURE
    if max(width, height) > MAX_PROPORTION * min(width, height):
        yield QualityIssue.UNUSUAL_PROPORTIONS
    if decoded.has_more_pictures:
        yield QualityIssue.FIRST_PICTURE_ONLY
    if decoded.is_corrected:
        yield QualityIssue.DISPLAY_CORRECTED


def _counts(decoded: Decoded) -> np.ndarray:
    """Return how many pixels have each grey level, without the background: numpy would count in eight bytes a pixel."""
    part = None if decoded.background is None else Image.fromarray((~decoded.background).view(np.uint8))
    return np.array(Image.fromarray(decoded.grey).histogram(part))
