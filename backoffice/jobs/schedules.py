"""What runs by the clock. Each app declares its own in a `schedules.py`:

every_minute("clinic.mails.send_due", cluster=settings.DEFAULT_CLUSTER)
daily("clinic.reminders.remind", cluster=settings.DEFAULT_CLUSTER, at=time(17))
weekly("inference.figures.drift.look_weekly", cluster=settings.DEFAULT_CLUSTER, on=MONDAY, at=time(4))

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

MONDAY = 0  # as Python numbers the days of a week
A_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Declared:
    """`function` (a dotted path) run by `cluster`: every minute, or `at` an hour of the clinic's clock, each day or
    `on` one day of the week."""

    function: str
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
        if self.at is None:
            return now
        first = now.replace(hour=self.at.hour, minute=self.at.minute, second=0, microsecond=0)
        while first <= now or self.on not in (None, first.weekday()):
            first += A_DAY
        return first

    def is_met_by(self, row: Schedule) -> bool:
        """Whether the row runs as declared. An overdue one at its hour keeps its run, which is still to come."""
        if any(getattr(row, name) != value for name, value in self.columns().items()):
            return False
        due = timezone.localtime(row.next_run)
        if self.at is None:
            return True
        return (due.hour, due.minute) == (self.at.hour, self.at.minute) and self.on in (None, due.weekday())


declared: Registry[Declared] = Registry("schedules")


def every_minute(function: str, *, cluster: str) -> None:
    """Declare that a cluster runs `function` every minute."""
    declared.add(function, Declared(function, cluster))


def daily(function: str, *, cluster: str, at: datetime.time) -> None:
    """Declare that a cluster runs `function` every day at that hour of the clinic's clock."""
    declared.add(function, Declared(function, cluster, at))


def weekly(function: str, *, cluster: str, on: int, at: datetime.time) -> None:
    """The same, on one day of each week: MONDAY is 0."""
    declared.add(function, Declared(function, cluster, at, on))


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
