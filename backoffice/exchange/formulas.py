"""What leaves in files that people open in a spreadsheet, and comes back from them."""

import re

# A cell that begins with one of these is run as a formula, full-width forms in East Asian editions included.
FORMULA_STARTS = "=+\\-@\t\r\n＝＋－＠"
# Where a cell may begin: at the start of a text; and, as a spreadsheet that separates by semicolons or tabs sees our
# commas, after such a sign or a line's end within it. Blanks and quotes before the sign keep nothing from being run.
LEAD = '[ "]*'
CELL_START = f"(?:^|[;|\t\r\n]){LEAD}"
# Apostrophes before it are counted in, so that one more can be taken away again: what was written comes back.
RISKY = re.compile(f"({CELL_START})(?='*[{FORMULA_STARTS}])")
MADE_SAFE = re.compile(f"({CELL_START})'(?='*[{FORMULA_STARTS}])")
# Almost no text has anything of this, and to find that out is quick.
MAY_BE_RISKY = re.compile(f"{LEAD}['{FORMULA_STARTS}]|[^;|\t\r\n]*[;|\t\r\n]")


def formula_safe(value: object) -> object:
    """A text that a spreadsheet would run gets an apostrophe before its sign; everything else, numbers too, stays as it
    is.

    See OWASP, "CSV Injection".
    """
    return RISKY.sub(r"\1'", value) if isinstance(value, str) and MAY_BE_RISKY.match(value) else value


def without_apostrophe(text: str) -> str:
    """What `formula_safe` was given."""
    return MADE_SAFE.sub(r"\1", text) if "'" in text else text
