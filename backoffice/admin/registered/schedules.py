"""What runs by the clock: how it ran last, when it runs next, what was missed. A schedule names any function of Python,
so it is made by the code (each app's `schedules.py`); here it is read, and run at once."""

import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django_q.admin import ScheduleAdmin as LibraryScheduleAdmin
from django_q.models import Schedule

from backoffice.admin.base.changelists import ReadOnlyAdmin
from backoffice.admin.base.jobs import FindsJobs
from backoffice.jobs.scheduled_runs import run_now
from backoffice.jobs.schedules import declared, told
from backoffice.live.chips import Tone, chip
from backoffice.models import ScheduledRun

admin.site.unregister(Schedule)

LONGEST = datetime.timedelta(hours=1)
"""No job here takes as long: one that has not ended by then has lost its worker."""

OF_THE_RUN = ["began_at", "began_before", "ended_at", "succeeded_at", "error"]


@admin.register(Schedule)
class ScheduleAdmin(FindsJobs, ReadOnlyAdmin, LibraryScheduleAdmin):
    actions = ["run_now"]
    list_display = ["what", "last_run", "when", "next_one", "missed"]
    list_display_links = ["what"]
    list_filter: ClassVar[list[Any]] = []
    ordering = ["schedule_type", "func"]
    sortable_by = []
    readonly_fields = [
        "what",
        "func",
        "when",
        "last_run",
        "succeeded",
        "what_failed",
        "next_one",
        "missed",
    ]
    fields: ClassVar[list[Any]] = readonly_fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Without what bears no name and comes once: a nudge that waits for its moment."""
        run = ScheduledRun.objects.filter(pk=OuterRef("func"))
        schedules = super().get_queryset(request).exclude(name=None, schedule_type=Schedule.ONCE)
        return schedules.annotate(**{name: Subquery(run.values(name)) for name in OF_THE_RUN})

    def has_run_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("backoffice.run_schedule")

    @admin.action(description=_("Run now"), permissions=["run"])
    def run_now(self, request: HttpRequest, queryset: QuerySet) -> None:
        for schedule in queryset:
            run_now(schedule)
        told = ngettext(
            "%d begins as soon as a worker is free. Its next run by the clock stays.",
            "%d begin as soon as a worker is free. Their next runs by the clock stay.",
            len(queryset),
        )
        self.message_user(request, told % len(queryset), messages.SUCCESS)

    @admin.display(description=_("schedule"))
    def what(self, schedule: Schedule) -> str:
        return told(schedule.name) if schedule.name in declared.all() else schedule.name or schedule.func

    @admin.display(description=_("when"))
    def when(self, schedule: Schedule) -> str:
        ours = declared.all().get(schedule.name)
        if not schedule.repeats:
            return gettext("paused")
        if ours is None:
            return str(schedule.get_schedule_type_display())
        if ours.at is None:
            return gettext("every minute")
        told = {"hour": f"{ours.at:%H:%M}"}
        if ours.on is None:
            return gettext("daily at %(hour)s") % told
        return gettext("weekly, %(day)s at %(hour)s") % (told | {"day": WEEKDAYS[ours.on]})

    @admin.display(description=_("last run"))
    def last_run(self, schedule: Any) -> SafeString:
        if schedule.began_at is None:
            return chip(_("never"), Tone.QUIET)
        if schedule.ended_at is None:
            is_long = timezone.now() - schedule.began_at > LONGEST
            state = chip(_("did not end"), Tone.BAD) if is_long else chip(_("under way"), Tone.WAIT)
        else:
            state = chip(_("failed"), Tone.BAD) if schedule.error else chip(_("did well"), Tone.GOOD)
        return format_html("{} {}", state, _told(schedule.began_at))

    @admin.display(description=_("last did well"))
    def succeeded(self, schedule: Any) -> str:
        return _told(schedule.succeeded_at) if schedule.succeeded_at else "–"

    @admin.display(description=_("error"))
    def what_failed(self, schedule: Any) -> str:
        return schedule.error or "–"

    @admin.display(description=_("next run"))
    def next_one(self, schedule: Schedule) -> str:
        return _told(schedule.next_run) if schedule.repeats and schedule.next_run else "–"

    @admin.display(description=_("missed"))
    def missed(self, schedule: Any) -> SafeString | str:
        """Since the last run, and between it and the one before it."""
        ours = declared.all().get(schedule.name)
        if ours is None or schedule.began_at is None or not schedule.repeats:
            return "–"
        if n := ours.missed(schedule.began_at, timezone.now()):
            told = ngettext(
                "%d since the last run: is a worker running?", "%d since the last run: is a worker running?", n
            )
            return chip(told % n, Tone.BAD)
        n = ours.missed(schedule.began_before, schedule.began_at) if schedule.began_before else 0
        return ngettext("%d before the last run", "%d before the last run", n) % n if n else "–"


def _told(moment: datetime.datetime) -> str:
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")
