"""A thin helper over django-q2. A task here is a nudge: work itself is rows in a table, so that a lost, doubled or
endlessly redelivered task is harmless."""

import datetime

from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task


def nudge(function: str, cluster: str, timeout: int | None = None) -> None:
    """Ask a cluster to run `function` (a dotted path) once this transaction is committed.

    `timeout` (seconds) is for what may take longer than the cluster's tasks usually do. A broker that is away does not
    fail the request: the schedule nudges again within a minute.
    """
    options = {"cluster": cluster} | ({"timeout": timeout} if timeout else {})
    transaction.on_commit(lambda: async_task(function, **options), robust=True)


def every_minute(function: str, cluster: str) -> None:
    """Have a cluster run `function` every minute. Safe to call again and again."""
    Schedule.objects.update_or_create(
        name=function,
        defaults={"func": function, "cluster": cluster, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1},
    )


def daily(function: str, cluster: str, at: datetime.time) -> None:
    """Have a cluster run `function` every day at that hour of the clinic's clock. Safe to call again and again.

    A schedule that is there keeps its next run: one that is overdue is still to come.
    """
    first = timezone.localtime().replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    if first <= timezone.now():
        first += datetime.timedelta(days=1)
    daily = {"func": function, "cluster": cluster, "schedule_type": Schedule.DAILY, "repeats": -1}
    Schedule.objects.update_or_create(name=function, defaults=daily, create_defaults={**daily, "next_run": first})
