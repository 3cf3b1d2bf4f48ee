"""The clinic's numbers over time, as charts."""

import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice.live.charts import Bar, Chart, Series
from clinic.hours.availability import Plan
from clinic.models import ClinicSession, Period

BEFORE = AFTER = datetime.timedelta(days=14)


def bookings_per_day(today: datetime.date) -> Chart:
    """Places taken and, from today on, those left: two weeks back and two weeks ahead. Three queries."""
    first, last = today - BEFORE, today + AFTER
    kept = {(row.date, row.period): row for row in ClinicSession.objects.filter(date__range=(first, last))}
    plan = Plan(today, last)
    days = [first + datetime.timedelta(days=n) for n in range((last - first).days + 1)]
    bars = [_bar(day, today, _sessions(day, today, kept, plan)) for day in days]
    taken = sum(bar.values[0] for bar in bars[days.index(today) :])
    left = sum(bar.values[1] for bar in bars)
    return Chart(
        name="bookings",
        title=_("Bookings for each day"),
        summary=_("From today on, %(taken)d places are taken and %(left)d are left.") % {"taken": taken, "left": left},
        first_column=_("day"),
        series=[Series(_("booked"), "tone-main"), Series(_("places left"), "tone-rest")],
        bars=bars,
    )


def _sessions(day: datetime.date, today: datetime.date, kept: dict, plan: Plan) -> list[ClinicSession]:
    """The day's sessions as they are kept; from today on also those that nobody has booked yet."""
    sessions = [kept.get((day, period)) or (plan.session(day, period) if day >= today else None) for period in Period]
    return [session for session in sessions if session and not session.is_hidden]


def _bar(day: datetime.date, today: datetime.date, sessions: list[ClinicSession]) -> Bar:
    left = sum(session.places_left for session in sessions if day >= today and not session.has_ended())
    return Bar(
        label=date_format(day, "SHORT_DAY_FORMAT"),
        tick=str(day.day) if day.weekday() == 0 or day == today else "",
        values=[sum(session.booked for session in sessions), left],
        is_now=day == today,
    )
