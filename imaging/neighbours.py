"""The films before and after one, in the list that it was opened from: as it was filtered, sorted and searched."""

from copy import copy
from typing import Any, NamedTuple

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.http import urlencode

from backoffice.admin.base.auditing import LIST_FILTERS
from backoffice.admin.base.changelists import FastChangeList
from backoffice.records.mixins import hideable
from backoffice.records.neighbours import Neighbours
from backoffice.web.admin_urls import admin_url
from backoffice.web.impossible_values import cannot_be_text
from imaging.models import XRayImage

FOUND = "films_found"
OF_ONE_FILM = "asks_for_the_films_beside_one"  # an attribute of the request whose list is wanted without a page
MOST_FOUND = 500

COUNTED = 1000
"""Films of a list that a film's page counts: it is asked for one film, and not for the list."""


class Place(NamedTuple):
    """Keys of the films before and after one; its place, 0 where it has none or nobody has counted so far; and how many
    films there are, None where nobody has."""

    before: int | None
    after: int | None
    place: int
    number: int | None


def kept_filters(request: HttpRequest) -> dict[str, str]:
    """What an address of a film says further of the list that `request` came from."""
    filters = request.GET.get(LIST_FILTERS)
    return {LIST_FILTERS: filters} if filters else {}


class Unread(FastChangeList):
    """What a list would show, and in which order, without a page of it."""

    def get_results(self, request: HttpRequest) -> None:
        pass


class FilmNeighbours(admin.ModelAdmin):
    """Mixin of the X-ray's admin.

    A record's address tells what its list was filtered by, and not what was searched for. Of a search the session keeps
    which films it found, by their keys.
    """

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Unread if hasattr(request, OF_ONE_FILM) else super().get_changelist(request, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        changes = (getattr(response, "context_data", None) or {}).get("cl")
        if changes and changes.query:
            request.session[FOUND] = {"filters": self._filters(request), "keys": list(changes.found[:MOST_FOUND])}
        elif changes:
            request.session.pop(FOUND, None)
        return response

    def neighbours(self, request: HttpRequest, xray: XRayImage) -> dict:
        """The addresses of the films `before` and `after` this one, and its `place` among their `number`; each where
        there is one. A film that has left its list, as one that was signed does, comes before the first. Nothing is
        counted beyond COUNTED."""
        kept = kept_filters(request)
        filters = kept.get(LIST_FILTERS, "")
        found = self._found(request, filters)
        before, after, place, number = among(found, xray.pk) if found else self._listed(request, filters, xray)
        ending = f"?{urlencode(kept)}" if kept else ""

        def address(key: int | None) -> str | None:
            return None if key is None else admin_url(xray, "change", key) + ending

        return {"before": address(before), "after": address(after), "place": place, "number": number}

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

    def _listed(self, request: HttpRequest, filters: str, xray: XRayImage) -> Place:
        of_the_list = copy(request)
        of_the_list.GET = QueryDict(filters)
        if any(cannot_be_text(text) for _name, texts in of_the_list.GET.lists() for text in texts):
            return Place(None, None, 0, None)
        setattr(of_the_list, OF_ONE_FILM, True)
        try:
            films = self.get_changelist_instance(of_the_list).queryset
        except (IncorrectLookupParameters, SuspiciousOperation):
            return Place(None, None, 0, None)
        counted = films.order_by()[: COUNTED + 1].count()
        number = counted if counted <= COUNTED else None
        neighbours = Neighbours(films, xray)
        up_to_it = neighbours.up_to(COUNTED + 1)
        if not up_to_it:
            return Place(None, films.values_list("pk", flat=True).first(), 0, number)
        place = len(up_to_it) if len(up_to_it) <= COUNTED else 0
        return Place(up_to_it[1] if up_to_it[1:] else None, neighbours.after(), place, number)


def among(keys: list[int], key: int) -> Place:
    at = keys.index(key) if key in keys else -1
    before = keys[at - 1] if at > 0 else None
    after = keys[at + 1] if at + 1 < len(keys) else None
    return Place(before, after, at + 1, len(keys))
