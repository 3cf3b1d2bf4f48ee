"""Phone numbers: one rule for what is kept, at every door, and what a search compares."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import CharField, F, Value
from django.db.models.functions import Replace

from backoffice.formats.kept import gettext as _
from backoffice.records.text import DASHES, plain_figures, tidy_line

EXTENSION = r"(\s*(#|\*|x|;?ext(ension)?|分[機机]|[內内]線|[轉转])[.:=]?\s*\d{1,6})?"
SHAPE = re.compile(rf"\(?\+?[0-9 ()./-]+{EXTENSION}", re.IGNORECASE)
ASKED_FOR = rf"(?i:([0-9+() ./-]|{DASHES.pattern}){{3,}}{EXTENSION})"  # what somebody looks for, or a part of it
FEWEST, MOST = 6, 15  # digits, by ITU-T E.164
AS_A_FORMULA = re.compile(r'="?([^"]*)"?')  # how a file keeps a leading zero
SHORTENED = re.compile(r"\d+([.,]\d+)?E\+?\d+", re.IGNORECASE)
NO_VALUE = re.compile(r"#+[A-Z/0!?]*[!?]?|#+")
AS_A_DECIMAL = re.compile(r"(\d+)\.0+")  # what a spreadsheet makes of digits in a column of numbers
WITHOUT_ITS_ZERO = re.compile(r"9\d{8}")  # a mobile number of Taiwan has ten digits, and its first is a zero
MOBILE, MOBILE_DIGITS = "09", 10

# What a number is found by, whatever stands between its digits; +886 is how the world dials Taiwan's leading zero.
BETWEEN_DIGITS = [" ", "-", "(", ")", ".", "/"]
SIGNS = f"[{re.escape(''.join(BETWEEN_DIGITS))}]*"
WORLDWIDE = [("+8860", "0"), ("+886", "0")]
# A whole number from abroad without its plus: dialled by 00, or Taiwan's 886 alone, which begins no number within it.
DIALLED = re.compile(rf"\(?(0{SIGNS}0{SIGNS})[1-9]({SIGNS}\d){{7}}")
BARE = re.compile(rf"\(?()8{SIGNS}8{SIGNS}6({SIGNS}\d){{8}}")
# Taiwan's companies have three figures of their own for abroad, 002 to 009, and 006 1 … may be 00 61 … as well.
BY_A_COMPANY = re.compile(rf"\(?0{SIGNS}0{SIGNS}[25679]({SIGNS}\d){{7}}")


def normalise_phone(text: str) -> str:
    """As it is kept: half-width, single blanks, a plus before a country's code, otherwise as it was typed.

    Nothing stays nothing.

    Raises ValidationError for what is no number, such as what a spreadsheet makes of one.
    """
    phone = tidy_line(plain_figures(text)).rstrip(" .,;、。")
    for how in (AS_A_FORMULA, AS_A_DECIMAL):
        if match := how.fullmatch(phone):
            phone = match[1].strip()
    if not phone:
        return ""
    if SHORTENED.fullmatch(phone):
        raise ValidationError(
            _("A spreadsheet has shortened this number. Format the column as text, and type the number again.")
        )
    if NO_VALUE.fullmatch(phone):
        raise ValidationError(_("This is what a spreadsheet shows in place of a number. Type the number itself."))
    digits = re.sub(r"\D", "", re.sub(f"{EXTENSION}$", "", phone, flags=re.IGNORECASE))
    if not SHAPE.fullmatch(phone) or not FEWEST <= len(digits) <= MOST:
        raise ValidationError(_("Write one phone number and nothing else, such as 0912 345 678."))
    if BY_A_COMPANY.match(phone):
        raise ValidationError(
            _("It is not clear which country this dials. Write a plus and its code, such as +61 412 345 678.")
        )
    if digits.startswith(MOBILE) and len(digits) != MOBILE_DIGITS:
        told = _("A mobile number has %(wanted)d digits, and this one has %(n)d. Look for a slip.")
        raise ValidationError(told % {"wanted": MOBILE_DIGITS, "n": len(digits)})
    if WITHOUT_ITS_ZERO.fullmatch(digits) and not phone.startswith("+"):
        raise ValidationError(_("A zero is missing at the front. Write 0%(number)s.") % {"number": digits})
    return _with_plus(phone)


def _with_plus(phone: str) -> str:
    """`00886 912 345 678`, `886912345678` → `+886 912 345 678`, `+886912345678`."""
    found = DIALLED.match(phone) or BARE.match(phone)
    return phone[: found.start(1)] + "+" + phone[found.end(1) :] if found else phone


def phone_key(text: str) -> str:
    """What a number is found by: its digits, those abroad with their plus. The database makes it of what is kept."""
    key = _with_plus(plain_figures(text))
    for sign in BETWEEN_DIGITS:
        key = key.replace(sign, "")
    for abroad, here in WORLDWIDE:
        key = key.replace(abroad, here)
    return key


def phone_key_of(column: str) -> Replace:
    """`phone_key` as an expression over a column."""
    expression: Any = F(column)
    for found, instead in [*((sign, "") for sign in BETWEEN_DIGITS), *WORLDWIDE]:
        expression = Replace(expression, Value(found), Value(instead), output_field=CharField())
    return expression
