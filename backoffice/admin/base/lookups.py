"""What an address may ask a list for: what the page itself offers, and nothing else."""

from collections.abc import Collection
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse


class OnlyOfferedLookups(admin.ModelAdmin):
    """Django lets an address ask for any column, and across relations, in any way: that tells of columns which the list
    does not show, of records which the person may not see, and keeps a process busy with an expression of its own."""

    links_by: Collection[str] = ()
    """Lookups of this list that links on other pages use, such as `patient__exact`; beside those of its own filters."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """An address that asks for what cannot be leads to the list as it is, also where it says that it was told so
        already: Django answers that with a page of its own, which has no request and so none of our menu."""
        response = super().changelist_view(request, extra_context)
        return redirect(request.path) if type(response) is SimpleTemplateResponse else response

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        if self._narrows_by(lookup.split(LOOKUP_SEP)[0], request) and lookup not in self._offered(request):
            return False
        return super().lookup_allowed(lookup, value, request)

    def _narrows_by(self, name: str, request: HttpRequest) -> bool:
        """Whether the database would be asked; the parameters of our own filters are no columns."""
        try:
            self.opts.get_field(name)
        except FieldDoesNotExist:
            return name == "pk" or name in self.get_queryset(request).query.annotations
        return True

    def _offered(self, request: HttpRequest) -> set[str | None]:
        offered: set[str | None] = {"pk__in", *self.links_by}  # rows that were ticked are handed on to an export
        for one in self.get_list_filter(request):
            name = one[0] if isinstance(one, tuple) else one
            offered |= self._lookups_of(name) if isinstance(name, str) else {getattr(name, "parameter_name", None)}
        if self.date_hierarchy:
            offered |= {f"{self.date_hierarchy}__{part}" for part in ("year", "month", "day")}
        return offered

    def _lookups_of(self, name: str) -> set[str]:
        """What Django's own filter of this field puts into addresses."""
        field = get_fields_from_path(self.model, name)[-1]
        if field.is_relation:
            ways = [f"__{field.target_field.name}__exact"]  # type: ignore[attr-defined]  # of every relation
        else:
            ways = ["__gte", "__lt"] if isinstance(field, models.DateField) else ["", "__exact"]
        return {name + way for way in (*ways, *(["__isnull"] if field.null or field.many_to_many else []))}
