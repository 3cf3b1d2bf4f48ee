"""Import and export at import-export's own addresses, with its holes closed."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from backoffice.admin.base.export_pages import ExportPages
from backoffice.admin.base.import_pages import ImportPages


class ExchangeAdmin(ImportPages, ExportPages):
    """The admin of a table that is taken in from files and given out as files, where it names a resource."""

    takes_files = {"import": "has_import_permission"}  # page: who may send them there

    def get_urls(self) -> list[URLPattern]:
        if self.resource_class is None:
            return super().get_urls()
        view = self.admin_site.admin_view
        pages: dict[str, tuple[Callable[..., HttpResponseBase], str]] = {
            "import/": (self.import_view, "import"),
            "import/<int:pk>/": (self.import_result_view, "import_result"),
            "import/<int:pk>/problems/": (self.import_problems_view, "import_problems"),
            "import/template/<str:suffix>/": (self.import_template_view, "import_template"),
            "process_import/": (self.process_import_view, "process_import"),
            "export/": (self.export_view, "export"),
        }
        return [
            *(path(route, view(page), name=self._url_name(name)) for route, (page, name) in pages.items()),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        urls = {}
        if self.has_import_permission(request):
            urls["import_url"] = self.exchange_url("import")
        if self.has_export_permission(request):
            urls["export_url"] = self.exchange_url("export")
        return super().changelist_view(request, urls | (extra_context or {}))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        if actions and self.has_export_permission(request):
            actions["export_selected"] = self.get_action("export_selected")
        return actions
