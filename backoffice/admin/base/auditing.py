"""The access trail: who looked at what."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.http import urlencode

from backoffice.models import AccessEvent
from backoffice.web.admin_urls import admin_url

LIST_FILTERS = "_changelist_filters"  # Django's name for the list's parameters in a record's address


class AuditedAdmin(admin.ModelAdmin):
    """The admin of records of which it is noted who opens them, and told to those who may ask."""

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj:
            AccessEvent.objects.record(request, AccessEvent.Action.VIEW, obj)
            if request.user.has_perm("backoffice.view_accessevent"):
                context["trail_url"] = trail_url(obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_preserved_filters(self, request: HttpRequest) -> str:
        """A record's address does not repeat what was searched for: names and ID numbers stay out of addresses."""
        kept = QueryDict(super().get_preserved_filters(request), mutable=True)
        if filters := kept.get(LIST_FILTERS):
            without_search = QueryDict(filters, mutable=True)
            without_search.pop(SEARCH_VAR, None)
            kept[LIST_FILTERS] = without_search.urlencode()
        return kept.urlencode() if kept.get(LIST_FILTERS) else ""


def trail_url(record: Model) -> str:
    """Who looked at this record, and at what belongs to it."""
    kind = ContentType.objects.get_for_model(record)
    return f"{admin_url(AccessEvent, 'changelist')}?{urlencode({'of': f'{kind.pk}-{record.pk}'})}"
