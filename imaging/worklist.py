"""The films before and after one, in the list that it was opened from: as it was filtered, sorted and searched."""

from copy import copy
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.http import urlencode

from backoffice.admin.base.auditing import LIST_FILTERS
from backoffice.records.mixins import hideable
from backoffice.records.paging import LISTED
from backoffice.web.admin_urls import admin_url
from imaging.models import XRayImage

FOUND = "films_found"
MOST_FOUND = 500


def kept_filters(request: HttpRequest) -> dict[str, str]:
    """What an address of a film says further of the list that `request` came from."""
    filters = request.GET.get(LIST_FILTERS)
    return {LIST_FILTERS: filters} if filters else {}


class Worklist(admin.ModelAdmin):
    """Mixin of the X-ray's admin.

    A record's address tells what its list was filtered by, and not what was searched for. Of a search the session keeps
    which films it found, by their keys.
    """

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        changes = (getattr(response, "context_data", None) or {}).get("cl")
        if changes and changes.query:
            keys = list(changes.queryset.values_list("pk", flat=True)[:MOST_FOUND])
            request.session[FOUND] = {"filters": self._filters(request), "keys": keys}
        elif changes:
            request.session.pop(FOUND, None)
        return response

    def neighbours(self, request: HttpRequest, xray: XRayImage) -> dict:
        """The addresses of the films `before` and `after` this one, and its `place` among their `number`; each where
        there is one. A film that has left its list, as one that was signed does, comes before the first."""
        kept = kept_filters(request)
        filters = kept.get(LIST_FILTERS, "")
        keys = self._found(request, filters) or self._listed(request, filters)
        place = keys.index(xray.pk) if xray.pk in keys else -1
        ending = f"?{urlencode(kept)}" if kept else ""

        def address(at: int) -> str | None:
            return admin_url(xray, "change", keys[at]) + ending if 0 <= at < len(keys) else None

        return {
            "before": address(place - 1),
            "after": address(place + 1),
            "place": place + 1,
            "number": len(keys) if len(keys) < LISTED else None,
        }

    def _filters(self, request: HttpRequest) -> str:
        return QueryDict(self.get_preserved_filters(request)).get(LIST_FILTERS, "")

    def _found(self, request: HttpRequest, filters: str) -> list[int]:
        found = request.session.get(FOUND, {})
        if found.get("filters") != filters:
            return []
        there = set(
            hideable(self.get_queryset(request)).visible().filter(pk__in=found["keys"]).values_list("pk", flat=True)
        )
        return [key for key in found["keys"] if key in there]

    def _listed(self, request: HttpRequest, filters: str) -> list[int]:
        of_the_list = copy(request)
        of_the_list.GET = QueryDict(filters)
        try:
            changes = self.get_changelist_instance(of_the_list)
        except (IncorrectLookupParameters, SuspiciousOperation):
            return []
        return list(changes.queryset.values_list("pk", flat=True)[:LISTED])
