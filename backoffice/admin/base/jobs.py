"""Jobs are called by what they do, and found by it, or by their function."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.jobs.schedules import found, told


class FindsJobs(admin.ModelAdmin):
    """Mixin of the admin of rows with a `func`."""

    search_fields = ["func"]
    search_help_text = _("What it does, or its function")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Its page is titled so, too: django-q2 calls one by four words at random, the other by its function."""
        job: Any = super().get_object(request, object_id, from_field)
        if job:
            job.name_for = lambda user: told(job.func)
        return job

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        if not (wanted := search_term.strip()):
            return queryset, False
        return queryset.filter(Q(func__icontains=wanted) | Q(func__in=found(wanted))), False
