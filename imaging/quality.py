"""What makes a picture doubtful. An issue warns; it never keeps a picture out.

Counted on 24 films of different sources, on 1 000 of 3 589 others, and on 60 phantoms: several on one sheet 0, 1, 0;
turned 0, 2, 0; inverted 0, 1, 0; text 0, 0, 0. Of 300 of them turned 85–96 % are found, of negatives 96 %; of two side
by side 96 %, above one another 82 %. Lines of letters a hundredth of a phantom high are found on all. Of 1 024 films
none is called cut off; of those that are cut and closed, as JPEG, 98 %.

Mirrored ones are known by weights that were learned from films, and tried on 3 426 of sources that these did not know:
62 % are found (adults of Spain 63, of the United States 41 and 74, children of China 68), and 0.7 % of sound ones are
taken for such (0.9, 0.8 and 0, 0.7). Of the rest most hearts lie nearly in the middle.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from PIL import Image

from backoffice.lazy import LazyText
from imaging import burnt_in, chest, sides
from imaging.decoded import Decoded
from imaging.exposure import LATERAL, is_chest

# Whoever changes what is measured, or a bound, adds one: older films are then measured anew.
RULES = 4

# The smallest input among the models: below it they look at invented pixels.
MIN_SHORT_EDGE = 224

# A chest is about as wide as it is high. Beyond this it is a strip, or several films on one sheet.
MAX_PROPORTION = 2.0

# Grey levels between the 5th and the 95th percentile; a chest film spans well over a hundred.
MIN_CONTRAST = 40
NEARLY_NONE = 8

# A scan in black and white, or a picture posterised on its way here.
MIN_GREY_LEVELS = 24

# Of what is missing at a file's end decoders make one grey, neither black nor white.
LEAST_MISSING = 0.02  # of the height or width
GREYS = range(16, 240)

CHILDREN_BELOW = 16  # years


class QualityIssue(TextChoices):
    LOW_RESOLUTION = "low_resolution", _("low resolution")
    LOW_CONTRAST = "low_contrast", _("low contrast")
    NEARLY_BLANK = "nearly_blank", _("nearly blank")
    FEW_GREY_LEVELS = "few_grey_levels", _("few grey levels")
    COLOUR_PICTURE = "colour_picture", _("colour picture")
    UNUSUAL_PROPORTIONS = "unusual_proportions", _("unusual proportions")
    FIRST_PICTURE_ONLY = "first_picture_only", _("only the first of several pictures")
    CUT_OFF = "cut_off", _("probably cut off")
    DAMAGED = "damaged", _("damaged within")
    DISPLAY_CORRECTED = "display_corrected", _("the file's own brightness or proportions make no sense")
    INVERTED = "inverted", _("probably inverted")
    TURNED = "turned", _("probably turned")
    MIRRORED = "mirrored", _("perhaps mirrored")
    SEVERAL_FILMS = "several_films", _("several films on one sheet")
    BURNT_IN_TEXT = "burnt_in_text", _("text in the picture")
    LATERAL_VIEW = "lateral_view", _("lateral view")
    NO_CHEST = "no_chest", _("no chest, by the file")
    CHILD = "child", _("a child’s film")


ADVICE: dict[str, LazyText] = {
    QualityIssue.LOW_RESOLUTION: _("Export it from the archive at full size, not as a preview."),
    QualityIssue.LOW_CONTRAST: _("Use “Enhanced”, and export it with the window of the chest."),
    QualityIssue.NEARLY_BLANK: _("Look whether the film was exposed at all; hide it if not."),
    QualityIssue.FEW_GREY_LEVELS: _("Export it in grey levels, not in black and white."),
    QualityIssue.COLOUR_PICTURE: _("Look for drawings on it; export it in grey."),
    QualityIssue.UNUSUAL_PROPORTIONS: _("Cut it to the film, or export the film alone."),
    QualityIssue.FIRST_PICTURE_ONLY: _("Export the other pictures as files of their own."),
    QualityIssue.CUT_OFF: _("Data are missing, or one edge is an even grey, as where they are. Export it again."),
    QualityIssue.DAMAGED: _("Its data do not fit the picture, so that part of it is wrong. Export it again."),
    QualityIssue.DISPLAY_CORRECTED: _("Compare it with the machine’s own screen."),
    QualityIssue.INVERTED: _("Bone has to be white. Export it anew, or invert the view."),
    QualityIssue.TURNED: _("Export it with the neck at the top. The models do not turn it."),
    QualityIssue.MIRRORED: _("Look for the side marker; the heart may also lie on the right."),
    QualityIssue.SEVERAL_FILMS: _("Upload each film as a file of its own."),
    QualityIssue.BURNT_IN_TEXT: _("Look whether a name stands in it, and whose, before it leaves the clinic."),
    QualityIssue.LATERAL_VIEW: _("The models know frontal films only. Read it yourself."),
    QualityIssue.NO_CHEST: _("Check the file. The models know chests only."),
    QualityIssue.CHILD: _("The models know adults’ films only. Read it yourself."),
}

OF_THE_RECORD = {QualityIssue.LATERAL_VIEW, QualityIssue.NO_CHEST, QualityIssue.CHILD}
"""What file and record say, and the picture does not: they may change while the picture is the same."""


def of_the_picture(issues: Sequence[str]) -> list[str]:
    return [issue for issue in issues if issue not in OF_THE_RECORD]


def with_those_of_the_record(issues: Sequence[str], *, view: str, body_part: str, ages: list[int]) -> list[str]:
    """The issues of a picture, and those of what is known of it; `ages` are the patient's at the exposure, by whatever
    says one."""
    found = of_the_picture(issues)
    if view == LATERAL:
        found.append(QualityIssue.LATERAL_VIEW)
    if not is_chest(body_part):
        found.append(QualityIssue.NO_CHEST)
    if ages and 0 <= min(ages) < CHILDREN_BELOW:
        found.append(QualityIssue.CHILD)
    return [str(issue) for issue in found]


def quality_issues(
    decoded: Decoded, reduced: np.ndarray, thumbnail: Image.Image, *, is_burnt_in: bool | None = None
) -> list[QualityIssue]:
    """Return the `QualityIssue` values that hold for `decoded`, of which `reduced` (see `burnt_in.reduced`) and
    `thumbnail` are smaller copies.

    `is_burnt_in` is the file's word on text in the picture. Where it is yes, nobody has to find it.
    """
    return [*_issues(decoded), *as_it_lies(thumbnail), *_text(reduced, is_burnt_in)]


def _issues(decoded: Decoded) -> Iterator[QualityIssue]:
    height, width = decoded.grey.shape
    counts = _counts(decoded)
    dark, bright = np.searchsorted(counts.cumsum(), [0.05 * counts.sum(), 0.95 * counts.sum()])
    if min(width, height) < MIN_SHORT_EDGE:
        yield QualityIssue.LOW_RESOLUTION
    if bright - dark < NEARLY_NONE:
        yield QualityIssue.NEARLY_BLANK
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
    if decoded.ends_early or _is_cut_off(decoded.grey):
        yield QualityIssue.CUT_OFF
    if decoded.is_damaged:
        yield QualityIssue.DAMAGED
    if decoded.is_corrected:
        yield QualityIssue.DISPLAY_CORRECTED


def as_it_lies(thumbnail: Image.Image) -> Iterator[QualityIssue]:
    """What is said of how a chest lies, which a small copy of the picture shows."""
    if chest.are_several(thumbnail):
        yield QualityIssue.SEVERAL_FILMS
        return
    seen = chest.small(thumbnail)
    is_turned, is_inverted = chest.turned_and_inverted(seen)
    if is_inverted:
        yield QualityIssue.INVERTED
    if is_turned:
        yield QualityIssue.TURNED
    if not (is_turned or is_inverted) and chest.is_like_one(seen) and sides.are_exchanged(thumbnail):
        yield QualityIssue.MIRRORED


def _text(reduced: np.ndarray, is_burnt_in: bool | None) -> Iterator[QualityIssue]:
    if is_burnt_in or burnt_in.has_text(reduced):
        yield QualityIssue.BURNT_IN_TEXT


def _is_cut_off(grey: np.ndarray) -> bool:
    """Whether one edge alone is an even grey: paper and collimation lie at several, and are white or black."""
    down, across = (math.ceil(length * LEAST_MISSING) for length in grey.shape)
    edges = (grey[:down], grey[-down:], grey[:, :across], grey[:, -across:])
    even = [edge for edge in edges if edge.min() == edge.max()]
    return len(even) == 1 and int(even[0].min()) in GREYS


def _counts(decoded: Decoded) -> np.ndarray:
    """Return how many pixels have each grey level, without the background: numpy would count in eight bytes a pixel."""
    if decoded.greys is not None:
        return decoded.greys
    part = None if decoded.background is None else Image.fromarray((~decoded.background).view(np.uint8))
    return np.array(Image.fromarray(decoded.grey).histogram(part))
