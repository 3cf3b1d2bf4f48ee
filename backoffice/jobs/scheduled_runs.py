"""What runs by the clock, as it ran: noted by the worker, before and after.

Any run of a scheduled function counts, also one that a nudge or a person began. A worker that is killed notes no end:
its run has begun, and neither succeeded nor failed.
"""

import logging
from collections.abc import Callable
from typing import Any

from django.db import Error
from django.db.models import F
from django.utils import timezone
from django_q.models import Schedule, Task
from django_q.signals import post_execute_in_worker, pre_execute

from backoffice.jobs.nudges import nudge
from backoffice.jobs.schedules import declared, keep_the_hour
from backoffice.models import ScheduledRun

logger = logging.getLogger(__name__)

ERROR_LENGTH = 500


def connect() -> None:
    pre_execute.connect(_began, dispatch_uid="backoffice.scheduled_run_began")
    post_execute_in_worker.connect(_ended, dispatch_uid="backoffice.scheduled_run_ended")


def run_now(schedule: Schedule) -> None:
    """Ask the schedule's cluster for a run; its next one by the clock stays."""
    nudge(schedule.func, cluster=schedule.cluster)


def in_words(result: object) -> str:
    """What went wrong in a task of django-q2, without the traceback that it keeps behind it."""
    return str(result or "").partition(" : Traceback")[0]


def why(task: Task) -> str:
    """The beginning of that, as a list has room for it."""
    return in_words(task.result)[:200]


def _began(task: dict[str, Any], **kwargs: Any) -> None:
    _note(task, _note_the_beginning)


def _ended(task: dict[str, Any], **kwargs: Any) -> None:
    _note(task, _note_the_end)


def _note(task: dict[str, Any], write: Callable[[str, dict[str, Any]], None]) -> None:
    """Never in the way of the work itself: a database that is away will be heard of by it."""
    function = task["func"]
    if function not in declared.all():
        return
    try:
        write(function, task)
    except Error as error:
        logger.warning("a scheduled run is not noted: %s", type(error).__name__)


def _note_the_beginning(function: str, task: dict[str, Any]) -> None:
    now = timezone.now()
    row = ScheduledRun.objects.filter(pk=function)
    if not row.update(began_before=F("began_at"), began_at=now, ended_at=None):
        ScheduledRun.objects.bulk_create([ScheduledRun(function=function, began_at=now)], ignore_conflicts=True)


def _note_the_end(function: str, task: dict[str, Any]) -> None:
    done: dict[str, Any] = {"ended_at": timezone.now(), "error": ""}
    if task.get("success"):
        done["succeeded_at"] = done["ended_at"]
    else:
        done["error"] = in_words(task.get("result"))[:ERROR_LENGTH] or "failed"
    ScheduledRun.objects.filter(pk=function).update(**done)
    keep_the_hour(function)
