"""Actions that the first page offers as buttons."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


class OnTheFirstPage(admin.ModelAdmin):
    """An action that was pressed on the first page leads back to it, with what it has to say."""

    def response_action(  # type: ignore[override]  # the stubs know a later Django's
        self, request: HttpRequest, queryset: QuerySet
    ) -> HttpResponse | None:
        response = super().response_action(request, queryset)
        return redirect("admin:index") if "_from_dashboard" in request.POST else response
