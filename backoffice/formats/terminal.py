"""Text in a terminal's columns, where a Chinese sign is two cells wide."""

from unicodedata import east_asian_width


def cells(text: str) -> int:
    return sum(2 if east_asian_width(sign) in "FW" else 1 for sign in text)


def in_column(text: str, width: int) -> str:
    """The text, filled up with blanks to `width` cells."""
    return text + " " * (width - cells(text))
