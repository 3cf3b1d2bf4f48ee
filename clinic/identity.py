"""National ID rules. NATIONAL_ID_RULE names the one in force, as a dotted path; a clinic elsewhere writes its own."""

import re
from operator import mul

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from backoffice.records.text import plain_figures

# The two digits that each letter stands for, by Taiwan's Ministry of the Interior.
LETTER_VALUES = {letter: number for number, letter in enumerate("ABCDEFGHJKLMNPQRSTUVXYWZIO", start=10)}
WEIGHTS = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)


def taiwan_national_id(value: str) -> None:
    """One upper-case letter and nine digits, the last of which is a check digit.

    The letter's two digits and the nine others, weighted, sum to a multiple of ten. Raises ValidationError.
    """
    if not re.fullmatch(r"[A-Z][0-9]{9}", value):
        raise ValidationError(_("Write one letter and nine digits, such as A123456789."), code="form")
    digits = [*divmod(LETTER_VALUES[value[0]], 10), *map(int, value[1:])]
    if sum(map(mul, WEIGHTS, digits)) % 10:
        raise ValidationError(_("This number does not add up: check each digit against the card."), code="check_digit")


# A residence permit before 2021: two letters and eight digits. Valid for years yet.
OLD_PERMIT = re.compile(r"[A-Z][A-D][0-9]{8}")
# Up to nine signs (ICAO 9303-4), of which some are digits, such as C01X00T47, 12AB34567 or M123A4567; and a few longer.
PASSPORT = re.compile(r"(?=([A-Z]*[0-9]){4})[A-Z0-9]{6,9}|[A-Z]{0,3}[0-9]{6,9}|[A-Z]{2,3}[0-9]{6,7}[A-Z]")


def taiwan_old_permit(value: str) -> None:
    """Two upper-case letters and eight digits; the second letter counts by its last digit. Raises ValidationError."""
    if not OLD_PERMIT.fullmatch(value):
        raise ValidationError(
            _("Write two letters, of which the second is A, B, C or D, and eight digits, such as AC01234567."),
            code="form",
        )
    digits = [*divmod(LETTER_VALUES[value[0]], 10), LETTER_VALUES[value[1]] % 10, *map(int, value[2:])]
    if sum(map(mul, WEIGHTS, digits)) % 10:
        raise ValidationError(_("This number does not add up: check each digit against the card."), code="check_digit")


def taiwan_document(value: str) -> None:
    """What a patient of a Taiwanese clinic may carry: an ID card, a residence permit of either form, or a passport.

    Raises ValidationError.
    """
    if re.fullmatch(r"[A-Z][0-9]{9}", value):
        taiwan_national_id(value)
    elif re.fullmatch(r"[A-Z]{2}[0-9]{8}", value):
        taiwan_old_permit(value)
    elif not PASSPORT.fullmatch(value):
        raise ValidationError(
            _(
                "Write one letter and nine digits, such as A123456789, as on an ID card or a residence permit; two "
                "letters and eight digits, as on an older permit; or the number of a passport."
            ),
            code="form",
        )


# A card's or an older permit's number with a digit too few. Such are passports, too: of the United States, of Korea.
SHORT_OF_A_DIGIT = re.compile(r"[A-Z][0-9]{8}|[A-Z][A-D][0-9]{7}")
taiwan_document.doubts = SHORT_OF_A_DIGIT.fullmatch  # type: ignore[attr-defined]  # what could_be_a_slip asks


def could_be_a_slip(value: str) -> bool:
    """Whether the rule in force takes this number, and has a doubt about it: whoever gives it anew is asked.

    A rule may have such a doubt (`doubts`, a function of the number).
    """
    doubts = getattr(import_string(settings.NATIONAL_ID_RULE), "doubts", None)
    return bool(doubts and doubts(value))


def normalise_national_id(value: str) -> str:
    """As it is kept: no spaces or hyphens, plain digits for full-width ones, nothing unseen, upper case."""
    if value.isascii() and value.isalnum():
        return value.upper()
    return re.sub("[ -]", "", plain_figures(value)).upper()


def validate_national_id(value: str) -> None:
    """Ask the rule that the settings name."""
    import_string(settings.NATIONAL_ID_RULE)(value)
