"""Which archives go: of the older ones the last of a day, of a week, of a month stays."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from backoffice.backups.here import Archive

A_DAY = timedelta(days=1)


def to_thin(archives: Sequence[Archive]) -> list[Archive]:
    """Those of them that have had their time. `archives` are one installation's, the newest last: it never goes, nor
    does any of the day before it.

    Counted are periods in which there is one, so that nothing goes while none are made.
    """
    keep = {archive for archive in archives if archive.made_at > archives[-1].made_at - A_DAY}
    kinds: list[tuple[int, Callable[[datetime], Any]]] = [
        (settings.BACKUP_KEEP_DAYS, datetime.date),
        (settings.BACKUP_KEEP_WEEKS, lambda moment: moment.isocalendar()[:2]),
        (settings.BACKUP_KEEP_MONTHS, lambda moment: (moment.year, moment.month)),
    ]
    for most, period_of in kinds:
        last_of: dict[Any, Archive] = {}
        for archive in reversed(archives):
            last_of.setdefault(period_of(timezone.localtime(archive.made_at)), archive)
        keep.update(list(last_of.values())[:most])
    return [archive for archive in archives if archive not in keep]
