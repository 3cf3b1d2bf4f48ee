"""What the background workers did: django-q2's own lists, with what an administrator reads and nothing else."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_q.admin import FailAdmin as LibraryFailureAdmin
from django_q.admin import TaskAdmin as LibrarySuccessAdmin
from django_q.models import Failure, Success, Task

from backoffice.admin.base.filters import DayRangeFilter
from backoffice.admin.base.jobs import FindsJobs
from backoffice.admin.base.lookups import OnlyOfferedLookups
from backoffice.jobs.scheduled_runs import why
from backoffice.jobs.schedules import told

admin.site.unregister([Failure, Success])


class StoppedFilter(DayRangeFilter):
    title = _("finished")
    field = "stopped"


class TaskAdmin(FindsJobs, OnlyOfferedLookups):
    list_display = ["task", "stopped", "took"]
    list_filter = [StoppedFilter]
    ordering = ["-stopped"]
    fields = ["task", "func", "begun", "took", "tried", "came_of_it"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return list(self.fields or ())

    @admin.display(description=_("task"), ordering="func")
    def task(self, task: Task) -> str:
        return told(task.func)

    @admin.display(description=_("started"))
    def begun(self, task: Task) -> str:
        return date_format(timezone.localtime(task.started), "DATETIME_FORMAT")

    @admin.display(description=_("took"))
    def took(self, task: Task) -> str:
        return _("%.1f s") % (task.stopped - task.started).total_seconds()

    @admin.display(description=_("tries"))
    def tried(self, task: Task) -> int:
        return task.attempt_count

    @admin.display(description=_("result"))
    def came_of_it(self, task: Task) -> SafeString:
        return format_html('<pre class="told">{}</pre>', "–" if task.result is None else task.result)


@admin.register(Failure)
class FailureAdmin(TaskAdmin, LibraryFailureAdmin):
    list_display = [*TaskAdmin.list_display, "error"]
    empty_text = _("No task has failed.")

    @admin.display(description=_("error"))
    def error(self, task: Task) -> str:
        return why(task)


@admin.register(Success)
class SuccessAdmin(TaskAdmin, LibrarySuccessAdmin):
    empty_text = _("No task has run yet: is a worker running?")
