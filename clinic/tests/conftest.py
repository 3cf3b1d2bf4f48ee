import datetime

import pytest
from django.utils import timezone
from model_bakery import baker

from clinic import booking
from clinic.models import OpeningHours, Period, Weekday


@pytest.fixture
def tomorrow() -> datetime.date:
    return timezone.localdate() + datetime.timedelta(days=1)


@pytest.fixture
def hours(db) -> list[OpeningHours]:
    """Three places every morning and every afternoon."""
    times = {Period.MORNING: (9, 12), Period.AFTERNOON: (14, 17)}
    return [
        baker.make(
            OpeningHours,
            weekday=weekday,
            period=period,
            opens_at=datetime.time(opens),
            closes_at=datetime.time(closes),
            capacity=3,
        )
        for weekday in Weekday.values
        for period, (opens, closes) in times.items()
    ]


@pytest.fixture
def session(hours, tomorrow):
    return booking.session_for(tomorrow, Period.MORNING)


@pytest.fixture
def afternoon(hours, tomorrow):
    return booking.session_for(tomorrow, Period.AFTERNOON)
