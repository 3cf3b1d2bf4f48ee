"""Lists of jobs are searched by what a job does, as they show it, or by its function."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.jobs.schedules import found


class FindsJobs(admin.ModelAdmin):
    """Mixin of the admin of rows with a `func`."""

    search_fields = ["func"]
    search_help_text = _("What it does, or its function")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        if not (wanted := search_term.strip()):
            return queryset, False
        return queryset.filter(Q(func__icontains=wanted) | Q(func__in=found(wanted))), False
