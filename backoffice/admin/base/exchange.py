"""Import and export at import-export's own addresses, with its holes closed."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from backoffice.admin.base.export_pages import ExportPages
from backoffice.admin.base.import_pages import ImportPages
from backoffice.exchange.base_resource import ExchangeResource


class ExchangeAdmin(ImportPages, ExportPages, admin.ModelAdmin):
    """The admin of a table that is taken in from files and given out as files, where it names a resource."""

    resource_class: type[ExchangeResource] | None = None

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "import")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "export")

    def _may(self, request: HttpRequest, verb: str) -> bool:
        permission = f"{self.opts.app_label}.{get_permission_codename(verb, self.opts)}"
        return self.resource_class is not None and request.user.has_perm(permission)

    def get_urls(self) -> list[URLPattern]:
        if self.resource_class is None:
            return super().get_urls()
        view = self.admin_site.admin_view
        pages = {
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

    def _url_name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def exchange_url(self, page: str, *args: object) -> str:
        """The address of one of these pages: `exchange_url("import_result", row.pk)`."""
        return reverse(f"admin:{self._url_name(page)}", args=args)

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
