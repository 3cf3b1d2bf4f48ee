"""What leaves in files that people open in a spreadsheet, and comes back from them."""

import re

# A cell that begins with one of these is run as a formula, full-width forms in East Asian editions included.
FORMULA_STARTS = "=+\\-@\t\r\n＝＋－＠"
# Apostrophes before it are counted in, so that one more can be taken away again: what was written comes back.
RISKY = re.compile(f"'*[{FORMULA_STARTS}]")
MADE_SAFE = re.compile(f"'+[{FORMULA_STARTS}]")


def formula_safe(value):
    """A text that a spreadsheet would run gets an apostrophe before it; everything else, numbers too, stays as it is.

    See OWASP, "CSV Injection".
    """
    return f"'{value}" if isinstance(value, str) and RISKY.match(value) else value


def without_apostrophe(text: str) -> str:
    """What `formula_safe` was given."""
    return text[1:] if MADE_SAFE.match(text) else text
