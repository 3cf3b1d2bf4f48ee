"""A number as people type it, with a point or a comma: what could be read in two ways is asked about. And one as pages
send it back."""

import re
from decimal import Decimal

from django.core.exceptions import ValidationError

from backoffice.formats.kept import gettext as _
from backoffice.records.text import plain_figures

PLAIN = re.compile(r"[+-]?(\d{1,18}(\.\d{1,18})?|\.\d{1,18})")
DIGITS_OF_A_FLOAT = 15
# Three digits behind a comma may be thousands, which begin with no zero.
COMMA_FOR_POINT = re.compile(r"[+-]?(\d{1,18},(\d{1,2}|\d{4,18})|0,\d{3})")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}((,\d{3})+\.\d{1,18}|(,\d{3}){2,})")
THOUSANDS_BY_BLANKS = re.compile(r"[+-]?[1-9]\d{0,2}([ '’]\d{3})+([.,]\d{1,18})?")
THOUSANDS_BY_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}((\.\d{3})+,\d{1,18}|(\.\d{3}){2,})")
COULD_BE_BOTH = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def parse_number(text: str) -> Decimal:
    """`1.5`, `１．５`, `1,5`, `1,500.5`, `1.500,5` → the number. Raises ValidationError, which says how to write it."""
    plain = plain_figures(text)
    if PLAIN.fullmatch(plain):
        return without_noise(Decimal(plain)) if "." in plain else Decimal(plain)
    if COMMA_FOR_POINT.fullmatch(plain):
        return Decimal(plain.replace(",", "."))
    if THOUSANDS.fullmatch(plain):
        return Decimal(plain.replace(",", ""))
    if THOUSANDS_BY_BLANKS.fullmatch(plain):
        return Decimal(re.sub("[ '’]", "", plain).replace(",", "."))
    if THOUSANDS_BY_POINTS.fullmatch(plain):
        return Decimal(plain.replace(".", "").replace(",", "."))
    if COULD_BE_BOTH.fullmatch(plain):
        both = {"text": plain, "large": plain.replace(",", ""), "small": plain.replace(",", ".")}
        raise ValidationError(
            _("“%(text)s” can be read in two ways. Write %(large)s or %(small)s.") % both, code="ambiguous"
        )
    raise ValidationError(_("Write a number alone, in digits, such as 12 or 1.5."), code="invalid")


def without_noise(number: float | Decimal) -> Decimal:
    """Fifteen digits of it, as a spreadsheet shows: what comes after is noise of a program's arithmetic."""
    return Decimal(format(number, f".{DIGITS_OF_A_FLOAT}g")).normalize() if is_noisy(number) else Decimal(number)


def is_noisy(number: float | Decimal) -> bool:
    return isinstance(number, float) or len(number.as_tuple().digits) > DIGITS_OF_A_FLOAT


def parse_whole(text: str) -> int:
    """`12`, `１２`, `1,500`, and `12.0` as spreadsheets write it → the number.

    No fraction is meant here, so that a comma before three digits can be read in one way only.
    Raises ValidationError, which says how to write it.
    """
    plain = plain_figures(text)
    number = Decimal(plain.replace(",", "")) if COULD_BE_BOTH.fullmatch(plain) else parse_number(plain)
    if number != number.to_integral_value():
        raise ValidationError(_("Write a whole number, in digits, such as 12."), code="invalid")
    return int(number)


def number_in(text: str | None) -> int | None:
    """A key or page number out of an address or a form; None for anything else, thirty or five thousand digits too."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 and int(text) else None
