"""A list that people take out whole as a CSV file, at `csv/` beside it: by the same query parameters, the same rows."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path

from backoffice.exchange.exporting import csv_file, dated
from backoffice.models import AccessEvent
from backoffice.web.admin_urls import admin_url


class ListAsCsv(admin.ModelAdmin):
    """The admin of a list that is no table to be imported: see exchange.py for those."""

    csv_name: str
    """What the file is called, before the day and the time."""
    change_list_template = "backoffice/list_as_csv.html"

    def csv_rows(self, request: HttpRequest, shown: ChangeList) -> Iterator[Sequence]:
        """The columns' titles, then each row of the list. Called before anything is sent: it may refuse."""
        raise NotImplementedError

    def has_export_permission(self, request: HttpRequest) -> bool:
        permission = f"{self.opts.app_label}.{get_permission_codename('export', self.opts)}"
        return self.has_view_permission(request) and request.user.has_perm(permission)

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_csv"
        return [path("csv/", self.admin_site.admin_view(self.export_view), name=name), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        urls = {}
        if self.has_export_permission(request):
            urls["csv_url"] = admin_url(self.model, "csv")
        return super().changelist_view(request, urls | (extra_context or {}))

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """That somebody took it is itself in the trail."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            shown = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return redirect(f"{admin_url(self.model, 'changelist')}?{ERROR_FLAG}=1")
        rows = self.csv_rows(request, shown)
        AccessEvent.objects.record(request, AccessEvent.Action.EXPORT, self.model)
        return csv_file(rows, dated(self.csv_name, "csv"))
