"""Lists that are edited in place, by several people at once."""

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from backoffice.admin import ClinicalAdmin
from backoffice.records.forms import RowForm
from backoffice.records.locks import lock_by_key
from backoffice.records.mixins import hideable
from backoffice.records.seen import last_to_change


class HiddenMeanwhile(Exception):  # noqa: N818 — an answer, not a fault
    """Somebody hid a row of which a table of inputs brings something."""

    def __init__(self, row: Model) -> None:
        super().__init__(str(row))
        self.key = row.pk


def _typed_into(request: HttpRequest, prefix: str, names: Iterable[str]) -> set[str]:
    """The keys of the rows whose inputs the table sent: those of hidden rows are switched off, and send nothing."""
    numbers = {name.split("-")[1] for name in request.POST if name.startswith(f"{prefix}-") and name.count("-") == 2}
    sent = (number for number in numbers if any(f"{prefix}-{number}-{name}" in request.POST for name in names))
    return {request.POST.get(f"{prefix}-{number}-id", "") for number in sent}


class EditableListAdmin(ClinicalAdmin):
    """Put in order and switched on and off in the list itself."""

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> type[forms.ModelForm]:
        return super().get_changelist_form(request, form=RowForm, **kwargs)

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> type[forms.BaseModelFormSet]:
        """No more rows than a page has, however many the request says that it sends."""
        most = self.list_max_show_all
        return super().get_changelist_formset(request, max_num=most, absolute_max=most, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        try:
            with transaction.atomic() if "_save" in request.POST else nullcontext():
                return super().changelist_view(request, extra_context)
        except HiddenMeanwhile as row:
            told = {"name": row, "who": last_to_change(self.model, [row.key])}
            messages.error(request, _("%(who)s has hidden “%(name)s” since you looked. Nothing was saved.") % told)
            return redirect(request.get_full_path())

    def _get_list_editable_queryset(self, request: HttpRequest, prefix: str) -> QuerySet:
        """Behind locks: nobody changes a row between the look and the save."""
        rows = hideable(super()._get_list_editable_queryset(request, prefix))
        lock_by_key(self.model, rows.order_by().values_list("pk", flat=True))
        for row in rows.hidden():
            if str(row.pk) in _typed_into(request, prefix, self.list_editable):
                raise HiddenMeanwhile(row)
        return rows
