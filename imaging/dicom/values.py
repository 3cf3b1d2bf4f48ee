"""One value of a dataset in the type it should have, or nothing: a file may write anything anywhere, also nothing."""

import math
import struct
from collections.abc import Iterable
from typing import Any

import pydicom
from pydicom.errors import BytesLengthException
from pydicom.multival import MultiValue

# What pydicom raises when it turns the bytes of one element into a value.
UNREADABLE_VALUE = (
    BytesLengthException,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    NotImplementedError,
    OSError,
    struct.error,
)


# Bytes. A table of grey values takes 128 kB, and all else far less; pydicom makes an object of each of many numbers.
LARGEST_VALUE = 1 << 18


def raw(dataset: pydicom.Dataset, keyword: str) -> Any:
    try:
        return dataset.get(keyword)
    except UNREADABLE_VALUE:
        return None


def _short(dataset: pydicom.Dataset, keyword: str) -> object:
    """What `raw` returns, and None of what is too long for a text or for numbers."""
    value = as_written(dataset, keyword)
    return None if isinstance(value, bytes) and len(value) > LARGEST_VALUE else raw(dataset, keyword)


def as_written(dataset: pydicom.Dataset, keyword: str) -> object:
    """Return an element's bytes, where nobody has asked for its value yet; else that."""
    try:
        return dataset.get_item(keyword).value if keyword in dataset else None
    except UNREADABLE_VALUE:
        return None


def text(dataset: pydicom.Dataset, keyword: str) -> str:
    """Return an element's text, without what is no text."""
    value = _short(dataset, keyword)
    return "" if value is None else storable(str(value))


def word(dataset: pydicom.Dataset, keyword: str) -> str:
    """Return one of the standard's words (CS), which are capitals: some programs write them small."""
    return text(dataset, keyword).upper()


def storable(text: str) -> str:
    """Without what is no text: PostgreSQL keeps neither NUL nor half a character."""
    return text.encode("utf-8", "ignore").decode().replace("\0", "").strip()


def whole(dataset: pydicom.Dataset, keyword: str) -> int | None:
    """Return the whole number that an element holds; None where it is absent, blank or no such number."""
    number = first_number(dataset, keyword)
    return int(number) if number is not None and math.isfinite(number) and number == int(number) else None


def declared(dataset: pydicom.Dataset, keyword: str) -> int:
    """The same, of an element that objections.py has asked for. Raises ValueError where it is none all the same."""
    number = whole(dataset, keyword)
    if number is None:
        raise ValueError(f"{keyword} is no whole number")
    return number


def first_number(dataset: pydicom.Dataset, keyword: str) -> float | None:
    return next(iter(numbers(dataset, keyword)), None)


def numbers(dataset: pydicom.Dataset, keyword: str) -> list[float]:
    """Return an element's numbers, of which NaN stands for those that are none; empty where it is blank or absent."""
    value = _short(dataset, keyword)
    if value is None or value == "":
        return []
    several = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    return [_number(one) for one in several if one is not None and str(one).strip()]


def items(dataset: pydicom.Dataset, keyword: str) -> list[pydicom.Dataset]:
    """Return the items of a sequence; empty where it is blank or absent."""
    value = raw(dataset, keyword)
    return [one for one in value if isinstance(one, pydicom.Dataset)] if isinstance(value, Iterable) else []


def _number(value: Any) -> float:
    try:
        return float(value)
    except (ValueError, TypeError, OverflowError):
        return math.nan
