"""What SQLite keeps, as PostgreSQL takes it: a value of the column's type, or a sentence that says why it is none.

SQLite takes any text of any length into any column; PostgreSQL refuses what its types do not hold. So each value is
looked at before anything is written. A sentence never quotes the value, which may be a patient's.
"""

import datetime
import decimal
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, NoReturn

from django.utils.dateparse import parse_date, parse_datetime, parse_time
from django.utils.translation import gettext as _


@dataclass(frozen=True)
class Column:
    """One column of a table, as PostgreSQL's catalogue describes it (`kind` is its data_type there)."""

    name: str
    kind: str
    length: int | None = None  # characters, of a varchar
    digits: int | None = None  # of a numeric
    places: int | None = None
    is_generated: bool = False  # computed by the database itself


class ImpossibleValueError(ValueError):
    """PostgreSQL cannot hold the value; says why, without quoting it."""


def converted(value: Any, column: Column) -> Any:
    """The value for PostgreSQL. Raises ImpossibleValueError."""
    return None if value is None else KINDS[column.kind](value, column)


# -- Text -------------------------------------------------------------------------------------------------------------


def text(value: Any, column: Column) -> str:
    if not isinstance(value, str):
        raise ImpossibleValueError(_("is no text"))
    if "\0" in value:
        raise ImpossibleValueError(_("holds a NUL character, which PostgreSQL keeps in no text: take it out"))
    if has_half_characters(value):
        raise ImpossibleValueError(_("holds bytes that are no UTF-8: type it anew"))
    if column.length is not None and len(value) > column.length:
        told = {"n": len(value), "most": column.length}
        raise ImpossibleValueError(_("has %(n)d characters, and %(most)d are the most: shorten it") % told)
    return value


def has_half_characters(value: str) -> bool:
    """Of what could not be decoded, `surrogateescape` makes half characters; JSON can write others as \\ud800."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def json_text(value: Any, column: Column) -> str:
    """The text as it is, once it is known to be JSON that PostgreSQL's jsonb takes."""
    canonical_json(text(value, column))
    return value


def canonical_json(value: str) -> str:
    """The same text for all JSON that says the same: jsonb keeps neither the order of keys nor how a number is written.
    Raises ImpossibleValueError."""
    try:
        said = json.loads(value, parse_float=plain_number, parse_int=plain_number, parse_constant=no_number)
        canonical = json.dumps(said, sort_keys=True, ensure_ascii=False)
    except ImpossibleValueError:
        raise
    except (ValueError, RecursionError):
        raise ImpossibleValueError(_("is no JSON")) from None
    if "\\u0000" in canonical.replace("\\\\", "") or has_half_characters(canonical):
        raise ImpossibleValueError(_("holds a character that PostgreSQL keeps in no JSON (NUL, or half of a pair)"))
    return canonical


MOST_DIGITS, MOST_PLACES = 131_072, 16_383  # of any number in PostgreSQL


def plain_number(digits: str) -> str:
    """One way to write each number; with a sign before it, so that no text is mistaken for one."""
    number = decimal.Decimal(digits)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or number.adjusted() >= MOST_DIGITS or -exponent > MOST_PLACES:
        raise ImpossibleValueError(_("holds a number that is too long"))
    plain = f"{number:f}"
    return f"\x01{plain.rstrip('0').rstrip('.') if '.' in plain else plain}" if number else "\x010"


def no_number(_name: str) -> NoReturn:
    raise ImpossibleValueError(_("holds NaN or Infinity, which JSON does not know"))


# -- Numbers ----------------------------------------------------------------------------------------------------------

BITS = {"smallint": 16, "integer": 32, "bigint": 64}


def whole_number(value: Any, column: Column) -> int:
    if not isinstance(value, int):
        raise ImpossibleValueError(_("is no whole number"))
    if not -(2 ** (BITS[column.kind] - 1)) <= value < 2 ** (BITS[column.kind] - 1):
        raise ImpossibleValueError(_("is a number too large for its column"))
    return value


def number(value: Any, column: Column) -> float:
    if not isinstance(value, int | float):
        raise ImpossibleValueError(_("is no number"))
    return float(value)


FROM_FLOAT = decimal.Context(prec=15)  # what a float holds; Django reads them by it too


def exact_number(value: Any, column: Column) -> decimal.Decimal:
    """As Django shows what SQLite keeps as a float: at the column's places."""
    try:
        exact = FROM_FLOAT.create_decimal_from_float(value) if isinstance(value, float) else decimal.Decimal(value)
        exact = exact.quantize(decimal.Decimal(1).scaleb(-(column.places or 0)))
    except (decimal.InvalidOperation, TypeError, ValueError):
        raise ImpossibleValueError(_("is no number")) from None
    if column.digits is not None and exact.adjusted() >= column.digits - (column.places or 0):
        raise ImpossibleValueError(_("is a number too large for its column"))
    return exact


def yes_or_no(value: Any, column: Column) -> bool:
    if value not in (0, 1):
        raise ImpossibleValueError(_("is neither yes nor no"))
    return bool(value)


# -- Days and times ---------------------------------------------------------------------------------------------------


def parsed(value: Any, parse: Callable[[str], Any]) -> Any:
    try:
        found = parse(value)
    except (TypeError, ValueError):
        found = None
    if found is None:
        raise ImpossibleValueError(_("is no day or time"))
    return found


def moment(value: Any, column: Column) -> datetime.datetime:
    """SQLite keeps moments as text, in UTC, without saying so."""
    found = parsed(value, parse_datetime)
    try:
        return found.replace(tzinfo=datetime.UTC) if found.tzinfo is None else found.astimezone(datetime.UTC)
    except OverflowError:
        raise ImpossibleValueError(_("is no day or time")) from None


def day(value: Any, column: Column) -> datetime.date:
    return parsed(value, parse_date)


def time_of_day(value: Any, column: Column) -> datetime.time:
    return parsed(value, parse_time)


# -- The rest ---------------------------------------------------------------------------------------------------------


def binary(value: Any, column: Column) -> bytes:
    if not isinstance(value, bytes):
        raise ImpossibleValueError(_("is text where there should be bytes"))
    return value


def address(value: Any, column: Column) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        raise ImpossibleValueError(_("is no network address")) from None


KINDS: dict[str, Callable[[Any, Column], Any]] = {
    "character varying": text,
    "text": text,
    "jsonb": json_text,
    "smallint": whole_number,
    "integer": whole_number,
    "bigint": whole_number,
    "double precision": number,
    "numeric": exact_number,
    "boolean": yes_or_no,
    "timestamp with time zone": moment,
    "date": day,
    "time without time zone": time_of_day,
    "bytea": binary,
    "inet": address,
}


# -- Comparing --------------------------------------------------------------------------------------------------------


class Digest:
    """Of a table's rows, in whatever order they come: how many there are, and the sum of their hashes."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.is_json = [column.kind == "jsonb" for column in columns]
        self.count = 0
        self.sum = 0

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            told = [told_alike(value, is_json) for value, is_json in zip(row, self.is_json, strict=True)]
            self.count += 1
            self.sum += int.from_bytes(hashlib.sha256(repr(told).encode()).digest())

    @property
    def result(self) -> tuple[int, int]:
        return self.count, self.sum % 2**256


def told_alike(value: Any, is_json: bool) -> str | bytes | None:
    """The same for a value on its way to PostgreSQL and for the one that comes back from there."""
    if value is None or isinstance(value, bytes):
        return value
    return canonical_json(value) if is_json else str(value)
