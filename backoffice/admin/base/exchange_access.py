"""What of a table is exchanged, who may, and where."""

from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.http import Http404, HttpRequest

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.web.admin_urls import admin_url


class ExchangeAccess(admin.ModelAdmin):
    """Mixin of an admin with pages of import and export."""

    resource_class: type[ExchangeResource] | None = None

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "import")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "export")

    def _may(self, request: HttpRequest, verb: str) -> bool:
        permission = f"{self.opts.app_label}.{get_permission_codename(verb, self.opts)}"
        return self.resource_class is not None and request.user.has_perm(permission)

    def resource(self) -> ExchangeResource:
        """A new one, for one file. Raises Http404 where the table is not exchanged."""
        if self.resource_class is None:
            raise Http404
        return self.resource_class()

    def _url_name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def exchange_url(self, page: str, *args: object) -> str:
        """The address of one of these pages: `exchange_url("import_result", row.pk)`."""
        return admin_url(self.model, page, *args)
