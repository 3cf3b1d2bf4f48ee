"""Who imported what, and what came of it."""

from typing import Any

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base.changelists import FastListAdmin, ReadOnlyAdmin
from backoffice.admin.base.exchange import ExchangeAdmin
from backoffice.admin.base.filters import DayRangeFilter
from backoffice.models import TableImport
from backoffice.models.users import person_of


class UploadedFilter(DayRangeFilter):
    title = _("when")
    field = "uploaded_at"
    moments = {"finished": ("finished_at", _("finished"))}


@admin.register(TableImport)
class TableImportAdmin(ReadOnlyAdmin, FastListAdmin):
    """The imports of those tables that a person may import into. A line leads to the table's own page of it."""

    list_display = ["file_link", "table", "state", "new", "updated", "refused", "uploaded_by", "uploaded_at"]
    list_display_links = None
    empty_text = _("No imports yet. “Import” above each list takes a CSV or XLSX file; what became of it stands here.")
    list_filter = ["status", UploadedFilter]
    list_select_related = ["content_type", "uploaded_by"]
    search_fields = ["name", "uploaded_by__username"]
    search_help_text = _("Name of the file or of the person")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(self._exchanged(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        tables = ContentType.objects.get_for_models(*self._exchanged(request)).values()
        mine = TableImport.objects.seen_by(person_of(request)).filter(content_type__in=tables)
        return mine.defer("details").order_by("-pk")

    def _exchanged(self, request: HttpRequest) -> list[type]:
        """The tables that this person may import into."""
        return [
            model
            for model, model_admin in self.admin_site._registry.items()
            if isinstance(model_admin, ExchangeAdmin) and model_admin.has_import_permission(request)
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined]  # not in the stubs
                request, self.opts, object_id
            )
        return redirect(self._page_of(row))

    def _page_of(self, row: TableImport) -> str:
        table: Any = self.admin_site.get_model_admin(row.model)
        return table.exchange_url("import_result", row.pk)

    # -- Columns ------------------------------------------------------------------------------------------------------

    @admin.display(description=_("file"), ordering="name")
    def file_link(self, row: TableImport) -> SafeString:
        return format_html('<a href="{}">{}</a>', self._page_of(row), row)

    @admin.display(description=_("table"), ordering="content_type")
    def table(self, row: TableImport) -> str:
        return capfirst(str(row.model._meta.verbose_name_plural))

    @admin.display(description=_("status"), ordering="status")
    def state(self, row: TableImport) -> SafeString:
        return render_to_string("backoffice/_import_chip.html", {"row": row})

    @admin.display(description=_("new"))
    def new(self, row: TableImport) -> str:
        return self._count(row, "new")

    @admin.display(description=_("changed"))
    def updated(self, row: TableImport) -> str:
        return self._count(row, "updated")

    @admin.display(description=_("with errors"))
    def refused(self, row: TableImport) -> str:
        return self._count(row, "refused")

    def _count(self, row: TableImport, name: str) -> str:
        return number_format(row.outcome[name], force_grouping=True) if row.outcome else "–"
