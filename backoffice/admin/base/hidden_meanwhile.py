"""A form comes in for a record that somebody hid while it was open: it says so, and gives back what was typed."""

from collections.abc import Collection
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.admin.base.hiding import HideableAdmin
from backoffice.lazy import LazyText

CONFLICT = 409


class SaysWhatWasHidden(HideableAdmin):
    """Mixin of the admin of a hideable record."""

    masked_fields: Collection[str] = ()

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        may_ask = request.method == "POST" and self.has_hide_permission(request)
        if object_id and may_ask and (record := self._hidden(object_id)) is not None:
            return self._hidden_page(request, record)
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except PermissionDenied:  # hidden since the look, which a lock has shown
            if object_id and may_ask and (record := self._hidden(object_id)) is not None:
                return self._hidden_page(request, record)
            raise

    def _hidden(self, key: str) -> Model | None:
        found = self.model._base_manager.filter(pk=key).first() if str(key).isdecimal() and len(str(key)) < 19 else None
        return found if found is not None and found.is_gone else None

    def _hidden_page(self, request: HttpRequest, record: Model) -> TemplateResponse:
        may_restore = self.get_queryset(request).filter(pk=record.pk).exists()
        context = {
            **self.admin_site.each_context(request),
            "title": _("This record was hidden while you had it open"),
            "opts": self.opts,
            "record": record if may_restore else None,
            "typed": self._typed(request),
        }
        return TemplateResponse(request, "admin/hidden_meanwhile.html", context, status=CONFLICT)

    def _typed(self, request: HttpRequest) -> list[tuple[LazyText, str]]:
        """(field, text) of what the form brought, to be copied from here: the record itself takes nothing now."""
        fields = [
            field for field in self.opts.concrete_fields if field.editable and field.name not in self.masked_fields
        ]
        return [
            (capfirst(field.verbose_name), request.POST[field.name]) for field in fields if request.POST.get(field.name)
        ]
