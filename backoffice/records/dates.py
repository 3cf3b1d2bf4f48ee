"""A day as people type it. What could be read in two ways is asked about, never guessed."""

import datetime
import re
from contextlib import suppress

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from backoffice.formats.kept import gettext as _
from backoffice.records.text import plain_figures

SIGN = r"(?:\s*[-/.]\s*|\s+)"
TWO_SIGNS = re.compile(r"\d\s*([-/.])\s*\d+\s*(?!\1)[-/.]\s*\d")  # a slip of the finger, and what else may be one
OTHER_SIGNS = str.maketrans({"‧": ".", "·": ".", "・": ".", "。": ".", "、": ".", "⁄": "/", "∕": "/"})
# What programs write beside a day: its weekday, and its beginning.
WEEKDAY = re.compile(
    r"^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?[.,]? +"
    r"|[ (]*(?:星期|禮拜|週|周)[一二三四五六日天]\)?$"
    r"|\s*\([一二三四五六日]\)$",
    re.IGNORECASE,
)
MIDNIGHT = re.compile(r"[T ](?:上午 ?12:00(?::00)?|12:00(?::00)? ?AM|0?0:00(?::00(?:\.0+)?)?(?:Z|[+]\d\d:?\d\d)?)$")
YEAR_FIRST = re.compile(rf"(\d{{4}}){SIGN}(\d{{1,2}}){SIGN}(\d{{1,2}})")
TOGETHER = re.compile(r"(\d{4})(\d{2})(\d{2})")
CHINESE = re.compile(r"(?:西元)?\s*(\d{4})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日號]?")
REPUBLIC = re.compile(
    r"(?:(?:中華)?民國?|R\.?O\.?C\.?)\s*(\d{1,3})\s*[年/.-]\s*(\d{1,2})\s*[月/.-]\s*(\d{1,2})\s*[日號]?", re.IGNORECASE
)
# No other calendar has year 113, nor writes 069: a file of a clinic's has each year in three figures.
REPUBLIC_BY_ITS_LENGTH = re.compile(rf"([01]\d{{2}})(?:{SIGN}|年)(\d{{1,2}})(?:{SIGN}|月)(\d{{1,2}})日?")
REPUBLIC_TOGETHER = re.compile(r"([01]\d{2})(\d{2})(\d{2})")
YEAR_LAST = re.compile(rf"(\d{{1,2}}){SIGN}(\d{{1,2}}){SIGN}(\d{{4}})")
NAME, ORDINAL, BETWEEN = "([A-Za-z]{3,9})", r"(\d{1,2})(?:st|nd|rd|th)?", "[ .,/-]+"
DAY_BY_NAME = re.compile(rf"{ORDINAL}{BETWEEN}{NAME}{BETWEEN}(\d{{4}})")
NAME_BY_DAY = re.compile(rf"{NAME}{BETWEEN}{ORDINAL}{BETWEEN}(\d{{4}})")
YEAR_BY_NAME = re.compile(rf"(\d{{4}}){BETWEEN}{NAME}{BETWEEN}{ORDINAL}")
SHORT_YEAR = re.compile(
    rf"\d{{1,2}}{SIGN}\d{{1,2}}{SIGN}\d{{1,2}}|\d{{1,2}}\s*年\s*\d{{1,2}}\s*月\s*\d{{1,2}}\s*日?|\d{{6}}"
    rf"|{ORDINAL}{BETWEEN}{NAME}{BETWEEN}\d\d"
)
COUNTED = re.compile(r"[1-5]\d{4}")  # by spreadsheets, from 1900
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
REPUBLIC_BEGAN = 1911
LEAP_SECOND = re.compile(r"(?<=\d\d:\d\d:)60(?!\d)")


def midnight(day: datetime.date) -> datetime.datetime:
    """The day's beginning by the clinic's clock. Two days' midnights are 23 to 25 hours apart."""
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))


def moment_in(text: str) -> datetime.datetime | None:
    """`2016-12-31T23:59:60+08:00` → the moment, by the clinic's clock where no other is named; None of what is none.

    Our clocks have no 60th second, and others' may: it is told as the one before.
    """
    with suppress(ValueError):
        if moment := parse_datetime(LEAP_SECOND.sub("59", text)):
            return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    return None


def parse_day(text: str) -> datetime.date:
    """`1980-06-05`, `1980/6/5`, `１９８０年６月５日`, `民國69年6月5日`, `5 June 1980`, `13/06/1980` → the day.

    Raises ValidationError, which says how to write it, for what is no day, and for what is one in two ways.
    """
    plain = WEEKDAY.sub("", MIDNIGHT.sub("", plain_figures(text).translate(OTHER_SIGNS)))
    if TWO_SIGNS.search(plain):
        told = _("Two different signs stand between the figures. Write the year first, such as 1980-06-05.")
        raise ValidationError(told, code="invalid")
    for pattern in (YEAR_FIRST, TOGETHER, CHINESE):
        if match := pattern.fullmatch(plain):
            return _day(*map(int, match.groups()))
    for pattern in (REPUBLIC, REPUBLIC_BY_ITS_LENGTH, REPUBLIC_TOGETHER):
        if match := pattern.fullmatch(plain):
            year, month, day = map(int, match.groups())
            return _day(year and year + REPUBLIC_BEGAN, month, day)
    if match := YEAR_LAST.fullmatch(plain):
        return _year_last(plain, *map(int, match.groups()))
    if match := DAY_BY_NAME.fullmatch(plain):
        return _day(int(match[3]), _month(match[2]), int(match[1]))
    if match := NAME_BY_DAY.fullmatch(plain):
        return _day(int(match[3]), _month(match[1]), int(match[2]))
    if match := YEAR_BY_NAME.fullmatch(plain):
        return _day(int(match[1]), _month(match[2]), int(match[3]))
    if SHORT_YEAR.fullmatch(plain):
        raise _two_ways(plain)
    if COUNTED.fullmatch(plain):
        raise ValidationError(
            _("This is how a spreadsheet counts days. Format the column as a date, or write it such as 1980-06-05."),
            code="invalid",
        )
    raise ValidationError(_("This is not a day. Write the year first, such as 1980-06-05."), code="invalid")


def _year_last(plain: str, first: int, second: int, year: int) -> datetime.date:
    """Day and month in either order, where only one of the two is possible."""
    if first > 12 >= second:
        return _day(year, second, first)
    if second > 12 >= first:
        return _day(year, first, second)
    if first == second:
        return _day(year, first, first)
    raise _two_ways(plain) if max(first, second) <= 12 else _no_such_day()


def _month(name: str) -> int:
    short = name[:3].lower()
    return MONTHS.index(short) + 1 if short in MONTHS else 0


def _day(year: int, month: int, day: int) -> datetime.date:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        raise _no_such_day() from None


def _no_such_day() -> ValidationError:
    return ValidationError(_("There is no such day. Write the year first, such as 1980-06-05."), code="invalid")


def _two_ways(plain: str) -> ValidationError:
    return ValidationError(
        _("“%(text)s” can be read in more than one way. Write the year first, in four digits, such as 1980-06-05.")
        % {"text": plain},
        code="ambiguous",
    )
