"""A form comes in for a record that somebody hid while it was open: it says so, and gives back what was typed."""

from collections.abc import Collection

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.admin.base.giving_back import given_back

CONFLICT = 409


class SaysWhatWasHidden(admin.ModelAdmin):
    """Mixin of the admin of a hideable record."""

    masked_fields: Collection[str] = ()

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        is_typed = request.method == "POST" or given_back(request)
        may_ask = is_typed and object_id and self.has_hide_permission(request)
        if may_ask and (record := self._hidden(object_id)) is not None:
            return self._hidden_page(request, record)
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except PermissionDenied:  # hidden since the look, which a lock has shown
            if may_ask and (record := self._hidden(object_id)) is not None:
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

    def _typed(self, request: HttpRequest) -> list[tuple[str, str]]:
        """(field, text) of what the form brought, to be copied from here: the record itself takes nothing now."""
        fields = [
            field for field in self.opts.concrete_fields if field.editable and field.name not in self.masked_fields
        ]
        sent = request.POST or given_back(request)
        return [(capfirst(field.verbose_name), sent[field.name]) for field in fields if sent.get(field.name)]
