"""Lists that stay fast, whatever is in them."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Page
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from backoffice.admin.base.back_to_the_list import row_id
from backoffice.admin.base.lookups import OnlyOfferedLookups
from backoffice.records.paging import LISTED
from backoffice.records.search import Search, matching

FEW = 1000  # rows that a filter leaves: so few are searched through sooner than a whole table by its index
CHECKBOX = '<input type="checkbox" name="{}" value="{}" id="{}" class="action-select" aria-label="{}">'


class Listed(Protocol):
    """What a page can be cut from. Its `count` or length says how much there is."""

    def __getitem__(self, wanted: slice, /) -> Any: ...


class Counted:
    """Keys in their order, of which the number is known, as a paginator wants them."""

    def __init__(self, keys: QuerySet, number: int) -> None:
        self._keys, self._number = keys, number

    def __len__(self) -> int:
        return self._number

    def __getitem__(self, wanted: slice) -> list:
        return list(self._keys[wanted])


class FastChangeList(ChangeList):
    """A page by its keys: one query reads them in an order that an index has, another the rows that they belong to.
    Nothing counts or turns further than LISTED. `found` are the keys that a search found, in their order."""

    found: Sequence[Any] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django's template tag looks up the address of every row to hang these on it: here they are hung on once.
        self._ending = f"?{self.preserved_filters}" if self.preserved_filters else ""
        self.preserved_filters = ""

    def url_for_result(self, result: Model) -> str:
        return super().url_for_result(result) + self._ending

    def get_ordering_field(self, field_name: str | Callable[..., Any]) -> Any:
        """Django sorts by any column that an address names: these only by those that people may sort by, for which
        there is an index."""
        is_sortable = self.sortable_by is None or field_name in self.sortable_by
        return super().get_ordering_field(field_name) if is_sortable else None

    def get_results(self, request: HttpRequest) -> None:
        keys = self.queryset.values_list("pk", flat=True)
        if self.query:  # found by an index in no order: one reading gives the page and the number
            found = list(keys[: LISTED + 1])
            self.found = found[:LISTED]
            page = self.open_page(request, self.found, more=len(found) > LISTED)
        else:
            number = keys.order_by()[: LISTED + 1].count()
            page = self.open_page(request, Counted(keys, min(number, LISTED)), more=number > LISTED)
        everything = self.show_all and self.can_show_all
        self.result_list = self.rows_of(list(keys[:LISTED] if everything else page))

    def open_page(self, request: HttpRequest, listed: Listed, *, more: bool) -> Page:
        """The page that was asked for of what is `listed`, and what the list tells about itself. `more`: there are
        others, which are not listed."""
        self.are_more_than_listed = more
        self.paginator = self.model_admin.get_paginator(request, listed, self.list_per_page)  # type: ignore[arg-type]  # any sequence
        self.result_count = self.paginator.count
        self.full_result_count, self.show_full_result_count, self.show_admin_actions = None, False, True
        self.can_show_all = self.result_count <= self.list_max_show_all
        self.multi_page = self.result_count > self.list_per_page
        page = self.paginator.get_page(max(1, self.page_num))  # the last, where rows have gone from it meanwhile
        self.page_num = page.number
        return page

    def rows_of(self, keys: list) -> QuerySet:
        rows = self.root_queryset.filter(pk__in=keys).order_by(*self.queryset.query.order_by)
        return self.apply_select_related(rows)

    def _get_deterministic_ordering(self, ordering: Sequence[Any]) -> list[Any]:
        """Rows that are equal in the column follow its direction, as the index (column, key) does."""
        fixed: list[Any] = super()._get_deterministic_ordering(ordering)  # type: ignore[misc]  # not in the stubs
        if fixed[-1] == "-pk" and not str(fixed[0]).startswith("-"):
            fixed[-1] = "pk"
        return fixed


class FastListAdmin(OnlyOfferedLookups):
    """The list of a table that may grow to millions of rows."""

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search: Search = {}
    """What is searched and how: see backoffice/search.py. Without it, Django's own search_fields."""

    def action_checkbox(self, obj: Model) -> SafeString:
        """Django's, without a template for every row."""
        label = _("Select this object for an action - {}").format(obj)
        return format_html(CHECKBOX, ACTION_CHECKBOX_NAME, obj.pk, row_id(obj.pk), label)

    @property
    def search_fields(self) -> list[str]:  # type: ignore[override]  # nobody sets it
        return list(self.search)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FastChangeList

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        if not self.search or not search_term.strip():
            return super().get_search_results(request, queryset, search_term)
        condition = matching(self.model, self.search, search_term)
        if connection.vendor != "postgresql":
            condition = self._by_itself(condition, queryset)
        return queryset.filter(condition), False

    def _by_itself(self, condition: Q, queryset: QuerySet) -> Q:
        """Without the list's order: SQLite would read all rows in that order, and use no other index."""
        filtered = list(queryset.order_by().values_list("pk", flat=True)[: FEW + 1])
        if len(filtered) <= FEW:
            return condition & Q(pk__in=filtered)
        return Q(pk__in=self.model._base_manager.filter(condition).order_by().values("pk"))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if "cl" in context and context["cl"].are_more_than_listed:
            number = {"number": number_format(context["cl"].result_count)}
            context["selection_note_all"] = _("All that match are selected: more than %(number)s") % number
        return response


class ReadOnlyAdmin(OnlyOfferedLookups):
    """The admin of what the software writes and people only read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
