"""What runs by the clock. Each app declares its own in a `schedules.py`:

every_minute("clinic.mails.send_due", _("Send the mails that wait"), cluster=settings.DEFAULT_CLUSTER)
daily("clinic.reminders.remind", _("Remind the patients of tomorrow"), cluster=settings.DEFAULT_CLUSTER, at=time(17))
weekly("inference.figures.drift.look_weekly", _("Look for drift"), cluster=DEFAULT_CLUSTER, on=MONDAY, at=time(4))

The words say on the pages of schedules and tasks what each does. What runs because something happened says it too:

on_demand.add("backoffice.imports.runs.run_waiting", _("Read and write the files that came in"))

Each migration aligns the rows that django-q2 goes by with what is declared here: another hour, another time zone,
another cluster; and takes out what this module once made and no app declares any more. What an operator paused
(`repeats` of 0, which django-q2 reads as never again) stays paused.
"""

import datetime
from dataclasses import dataclass

from django.apps import AppConfig
from django.db.models import F
from django.utils import timezone
from django_q.models import Schedule

from backoffice.discovery import Registry
from backoffice.lazy import LazyText

LATE = datetime.timedelta(minutes=10)
"""A run that begins no later than this is in time: its worker may have been at something long."""

MONDAY, SUNDAY = 0, 6  # as Python numbers the days of a week
A_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Declared:
    """`function` (a dotted path), which does `what`, run by `cluster`: every minute, or `at` an hour of the clinic's
    clock, each day or `on` one day of the week."""

    function: str
    what: LazyText
    cluster: str
    at: datetime.time | None = None
    on: int | None = None

    def columns(self) -> dict:
        kind: dict[str, object] = {"schedule_type": Schedule.MINUTES, "minutes": 1}
        if self.at:
            kind = {"schedule_type": Schedule.DAILY if self.on is None else Schedule.WEEKLY}
        return {"func": self.function, "cluster": self.cluster, **kind}

    def next_run(self) -> datetime.datetime:
        now = timezone.localtime()
        return _after(now, self.at, self.on) if self.at else now

    def missed(self, since: datetime.datetime, until: datetime.datetime) -> int:
        """How many times it was due after a run that began at `since`, and had not begun again by `until`. That it
        begins late, as it does behind a long job, is no miss."""
        latest = until - LATE
        if self.at is None:
            return max(0, int((latest - since) / datetime.timedelta(minutes=1)))
        due, missed = timezone.localtime(since), 0
        while (due := _after(due, self.at, self.on)) <= latest:
            missed += 1
        return missed

    def is_met_by(self, row: Schedule) -> bool:
        """Whether the row runs as declared. An overdue one at its hour keeps its run, which is still to come."""
        if any(getattr(row, name) != value for name, value in self.columns().items()):
            return False
        due = timezone.localtime(row.next_run)
        if self.at is None:
            return True
        return (due.hour, due.minute) == (self.at.hour, self.at.minute) and self.on in (None, due.weekday())


def keep_the_hour(function: str) -> None:
    """After a run: django-q2 goes on from where it was a day later, so that one that was due in the hour that the clock
    left out would come an hour too early ever after."""
    schedule, row = declared.all()[function], Schedule.objects.filter(name=function).first()
    if schedule.at and row and not schedule.is_met_by(row):
        Schedule.objects.filter(pk=row.pk, next_run=row.next_run).update(next_run=schedule.next_run())


def _after(moment: datetime.datetime, hour: datetime.time, weekday: int | None = None) -> datetime.datetime:
    """When the clock, in the zone of `moment`, next shows that hour, on that day of the week where one is given."""
    first = moment.replace(hour=hour.hour, minute=hour.minute, second=0, microsecond=0)
    while first <= moment or weekday not in (None, first.weekday()):
        first += A_DAY
    return first


declared: Registry[Declared] = Registry("schedules")


def every_minute(function: str, what: LazyText, *, cluster: str) -> None:
    """Declare that a cluster runs `function` every minute."""
    declared.add(function, Declared(function, what, cluster))


def daily(function: str, what: LazyText, *, cluster: str, at: datetime.time) -> None:
    """Declare that a cluster runs `function` every day at that hour of the clinic's clock."""
    declared.add(function, Declared(function, what, cluster, at))


def weekly(function: str, what: LazyText, *, cluster: str, on: int, at: datetime.time) -> None:
    """The same, on one day of each week: MONDAY is 0."""
    declared.add(function, Declared(function, what, cluster, at, on))


on_demand: Registry[LazyText] = Registry("schedules")
"""What functions do that no clock runs, but a nudge: by their dotted paths."""


def told(function: str) -> str:
    """What it does, as people say it; the function itself, where no app does."""
    by_the_clock = declared.all().get(function)
    return str(by_the_clock.what if by_the_clock else on_demand.all().get(function, function))


def found(words: str) -> list[str]:
    """The functions of which that says these words."""
    wanted = words.strip().casefold()
    return [name for name in [*declared.all(), *on_demand.all()] if wanted in told(name).casefold()]


def align(sender: AppConfig | None = None, **kwargs: object) -> None:
    """Bring django-q2's rows in step with what is declared; after each migration, once its tables are there."""
    if sender is not None and sender.label != "django_q":
        return
    wanted = declared.all()
    # A row named as its function is one of ours; what an operator adds by hand has a name of its own.
    Schedule.objects.filter(name=F("func")).exclude(name__in=wanted).delete()
    rows = {row.name: row for row in Schedule.objects.filter(name__in=wanted)}
    for name, schedule in wanted.items():
        row = rows.get(name)
        if row is None:
            columns = {**schedule.columns(), "repeats": -1, "next_run": schedule.next_run()}
            Schedule.objects.create(name=name, **columns)
        elif not schedule.is_met_by(row):
            Schedule.objects.filter(pk=row.pk).update(**schedule.columns(), next_run=schedule.next_run())
