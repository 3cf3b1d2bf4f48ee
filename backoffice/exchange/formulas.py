"""What leaves in files that people open in a spreadsheet."""

# A cell that begins with one of these is run as a formula, full-width forms in East Asian editions included.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def formula_safe(value):
    """A text that a spreadsheet would run gets an apostrophe before it; everything else, numbers too, stays as it is.

    See OWASP, "CSV Injection".
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
