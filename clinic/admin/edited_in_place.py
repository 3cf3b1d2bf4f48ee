"""Lists that are edited in place, by several people at once."""

from contextlib import nullcontext
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from backoffice.admin import ClinicalAdmin
from backoffice.admin.base.concurrent_rows import merging_rows
from backoffice.records.forms import RowForm


class EditableListAdmin(ClinicalAdmin):
    """Put in order and switched on and off in the list itself."""

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> type[forms.ModelForm]:
        return super().get_changelist_form(request, form=RowForm, **kwargs)

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> type[forms.BaseModelFormSet]:
        """No more rows than a page has, however many the request says that it sends."""
        most = self.list_max_show_all
        return merging_rows(super().get_changelist_formset(request, max_num=most, absolute_max=most, **kwargs), request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        with transaction.atomic() if "_save" in request.POST else nullcontext():
            response = super().changelist_view(request, extra_context)
        changelist = (getattr(response, "context_data", None) or {}).get("cl")
        if changelist and changelist.formset is not None and changelist.formset.is_bound:
            # The rows that came in, in their order: somebody may have put them in another by now, or hidden one.
            changelist.result_list = [form.instance for form in changelist.formset.forms]
            changelist.result_count = max(changelist.result_count, len(changelist.result_list))
        return response
