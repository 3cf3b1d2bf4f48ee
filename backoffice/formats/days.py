"""Days as they are told. A list tells few days, each in many rows: one is put into words once for each language."""

import datetime
from functools import lru_cache

from django.utils.formats import date_format
from django.utils.translation import get_language

KEPT = 4096  # of so many days in one format and language: years of a clinic's


def day_told(day: datetime.date, day_format: str = "DATE_FORMAT") -> str:
    """As `date_format` tells it, in the language of this moment."""
    return _told(day, day_format, get_language())


@lru_cache(maxsize=KEPT)
def _told(day: datetime.date, day_format: str, _language: str | None) -> str:
    return date_format(day, day_format)
