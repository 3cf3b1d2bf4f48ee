"""What waits, failed or is overdue in the background."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Min, Q
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import Failure, Schedule

from backoffice.jobs.schedules import declared
from backoffice.measuring.figures import Figure, age, reading
from backoffice.models import Mail, ScheduledRun, TableImport

A_DAY = timedelta(days=1)
CLUSTERS = (settings.DEFAULT_CLUSTER, settings.INFERENCE_CLUSTER)


@reading("jobs")
def jobs() -> Iterator[Figure]:
    for cluster in CLUSTERS:
        waiting = get_broker(cluster).queue_size()
        yield Figure("nudges_waiting", "Tasks in a cluster's queue.", waiting, {"cluster": cluster})
    broken = Failure.objects.filter(stopped__gt=timezone.now() - A_DAY).count()
    yield Figure("tasks_failed_within_a_day", "Tasks that broke in the last 24 hours.", broken)


@reading("imports")
def imports() -> Iterator[Figure]:
    recently = Q(status=TableImport.Status.FAILED, finished_at__gt=timezone.now() - A_DAY)
    for_a_worker = Q(status__in=(*TableImport.WAITING, *TableImport.RUNNING))
    found = TableImport.objects.aggregate(
        waiting=Count("pk", filter=for_a_worker),
        oldest=Min("uploaded_at", filter=for_a_worker),
        failed=Count("pk", filter=recently),
    )
    yield Figure("imports_waiting", "Files that a worker has or will have.", found["waiting"])
    yield Figure("imports_oldest_age_seconds", "How long the oldest of them has been here.", age(found["oldest"]))
    yield Figure("imports_failed_within_a_day", "Imports that failed in the last 24 hours.", found["failed"])


@reading("mails")
def mails() -> Iterator[Figure]:
    waiting = Mail.objects.waiting().aggregate(n=Count("pk"), oldest=Min("written_at"))
    yield Figure("mails_waiting", "Mails that are still to be sent.", waiting["n"])
    yield Figure("mails_oldest_age_seconds", "How long the oldest of them has waited.", age(waiting["oldest"]))
    yield Figure("mails_given_up", "Mails that were refused again and again.", Mail.objects.given_up().count())


@reading("schedules")
def schedules() -> Iterator[Figure]:
    """Of what runs by the clock and is not paused: runs that were due since the last one. Many mean no worker."""
    now = timezone.now()
    paused = set(Schedule.objects.filter(repeats=0).values_list("name", flat=True))
    for run in ScheduledRun.objects.all():
        ours = declared.all().get(run.function)
        if ours is None or run.function in paused:
            continue
        labels = {"function": run.function}
        missed = ours.missed(run.began_at, now)
        yield Figure("schedule_missed_runs", "Runs that were due since the last one.", missed, labels)
        yield Figure("schedule_failed", "1: its last run failed.", bool(run.error), labels)
