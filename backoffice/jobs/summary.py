"""What a day was like, in numbers. Each app adds its own in a `summary.py`:

@section(gettext_noop("Bookings"), order=10)
def bookings(day: Day) -> Iterator[Figure]:
    yield Figure(_("booked"), Appointment.objects.filter(created_at__range=…).count(), link=…)

A figure is a number or a few words, and the list that it leads to. It names no patient: it goes out by mail. Its words
come from `backoffice.formats.kept`, since each administrator reads them in their own language.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from django.utils import timezone

from backoffice.discovery import Registry
from backoffice.formats.kept import Sentence, kept, ngettext, sentences_in
from backoffice.formats.kept import gettext as _
from backoffice.records.dates import midnight

NOTHING = "–"


@dataclass(frozen=True)
class Day:
    """A day by the clinic's clock; `start` and `end` are its midnights, also where the clock is changed between."""

    date: datetime.date

    @property
    def start(self) -> datetime.datetime:
        return midnight(self.date)

    @property
    def end(self) -> datetime.datetime:
        return midnight(self.date + datetime.timedelta(days=1))

    @property
    def is_over(self) -> bool:
        return self.date < timezone.localdate()

    def within(self, field: str) -> dict[str, datetime.datetime]:
        """The lookups of rows whose moment in `field` is of this day."""
        return {f"{field}__gte": self.start, f"{field}__lt": self.end}

    def in_a_list(self, by: str = "") -> str:
        """The parameters by which a list with a DayRangeFilter shows this day, of its field or one of its moments."""
        return f"first={self.date}&last={self.date}" + (f"&by={by}" if by else "")


@dataclass(frozen=True)
class Figure:
    """`value` is a number or a sentence; `is_bad` says that somebody should look."""

    name: str
    value: int | str
    link: str = ""
    is_bad: bool = False


@dataclass(frozen=True)
class Section:
    title: str
    figures: Sequence[Figure]


@dataclass(frozen=True)
class _Asked:
    title: str
    order: int
    compute: Callable[[Day], Iterable[Figure]]

    def __str__(self) -> str:
        return f"{self.compute.__module__}.{self.compute.__qualname__}"


sections: Registry[_Asked] = Registry("summary")


def section(title: str, *, order: int) -> Callable:
    """Register a function that yields a day's figures; `title` is marked by `gettext_noop`."""

    def register(compute: Callable[[Day], Iterable[Figure]]) -> Callable[[Day], Iterable[Figure]]:
        sections.add(title, _Asked(title, order, compute))
        return compute

    return register


def of(day: datetime.date) -> list[Section]:
    """All sections, in their order; a section without figures is left out."""
    asked = sorted(sections.all().values(), key=lambda one: one.order)
    found = [Section(_(one.title), list(one.compute(Day(day)))) for one in asked]
    return [one for one in found if one.figures]


def to_keep(found: Iterable[Section]) -> list[dict[str, Any]]:
    """As JSON keeps it, in each language."""
    return [{"title": kept(one.title), "figures": [kept(vars(figure)) for figure in one.figures]} for one in found]


def as_kept(sections_kept: Iterable[dict[str, Any]]) -> Iterator[Section]:
    for one in sentences_in(list(sections_kept)):
        yield Section(one["title"], [Figure(**figure) for figure in one["figures"]])


# -- Waits ------------------------------------------------------------------------------------------------------------


def waits(spans: Iterable[datetime.timedelta]) -> str:
    """`median 4 min, longest 2 h 10 min`; a dash for none."""
    spans = sorted(spans)
    if not spans:
        return NOTHING
    middle = datetime.timedelta(seconds=median(span.total_seconds() for span in spans))
    return _("median %(median)s, longest %(longest)s") % {"median": span_told(middle), "longest": span_told(spans[-1])}


def span_told(span: datetime.timedelta) -> Sentence:
    """In its two largest units: a queue's seconds, or a signature's days."""
    seconds = max(0, round(span.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if not minutes:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    if not hours:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": seconds % 60}
    if not days:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes % 60}
    return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours % 24}
