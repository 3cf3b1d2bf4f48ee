"""Opening hours as people type them: `09:00-12:00`, `14:00~17:30`, `９：００－１２：００`."""

import re
from datetime import time
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from backoffice.records.text import plain_figures

TILDES = re.compile("[~〜∼]")  # stand between two times as a hyphen does
HOURS = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})", re.ASCII)


class Hours(NamedTuple):
    opens_at: time
    closes_at: time

    def __str__(self) -> str:
        """The one way in which hours are written back: `09:00-12:00`."""
        return f"{self.opens_at:%H:%M}-{self.closes_at:%H:%M}"


def parse_hours(text: str) -> Hours:
    """Read hours of one period within one day. Raises ValidationError with what to write instead."""
    plain = TILDES.sub("-", plain_figures(text)).replace(" ", "")
    match = HOURS.fullmatch(plain)
    if not match:
        raise ValidationError(_("Write opening and closing time like 09:00-12:00."), code="form")
    hour, minute, last_hour, last_minute = map(int, match.groups())
    try:
        hours = Hours(time(hour, minute), time(last_hour, last_minute))
    except ValueError:
        raise ValidationError(_("Hours go from 00 to 23 and minutes from 00 to 59."), code="range") from None
    if hours.opens_at >= hours.closes_at:
        raise ValidationError(_("Closing comes after opening, on the same day."), code="order")
    return hours
