"""The list of who looked at what: to read, to filter, and to take out as a file."""

from collections.abc import Iterator, Sequence

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.prefetch import GenericPrefetch
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base.changelists import FastListAdmin, ReadOnlyAdmin
from backoffice.admin.base.filters import DayRangeFilter
from backoffice.admin.base.list_as_csv import ListAsCsv
from backoffice.admin.base.record_filter import RecordFilter, trailed_models
from backoffice.lazy import LazyText
from backoffice.models import AccessEvent
from backoffice.web.admin_urls import admin_url

CHUNK = 2000  # rows in memory at a time
OF_A_REQUEST = 100  # events: one request notes what it shows beside each other, and a proxy may repeat its id


class MomentFilter(DayRangeFilter):
    field = "at"


class KindFilter(admin.SimpleListFilter):
    title = _("kind of record")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        kinds = ContentType.objects.get_for_models(*trailed_models(model_admin.admin_site)).items()
        return sorted((str(kind.pk), str(model._meta.verbose_name)) for model, kind in kinds)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() is None:
            return queryset
        if self.value() not in dict(self.lookup_choices):
            raise IncorrectLookupParameters
        return queryset.filter(content_type=self.value())


@admin.register(AccessEvent)
class AccessEventAdmin(ListAsCsv, ReadOnlyAdmin, FastListAdmin):
    list_display = ["when", "who", "action", "record", "request_id"]
    list_display_links = None
    empty_text = _("Nothing yet. Opening a record, its history or picture, and exporting a table are noted here.")
    list_filter = [RecordFilter, MomentFilter, "action", KindFilter, "user"]
    list_select_related = ["user"]
    list_per_page = 100
    sortable_by = []  # newest first: what every index has
    search_fields = ["request_id"]
    search_help_text = _("The request's id, as in the logs")
    csv_name = "access-trail"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        records = [with_its_name(model, admin_) for model, admin_ in trailed_models(self.admin_site).items()]
        return super().get_queryset(request).prefetch_related(GenericPrefetch("target", records))

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """A request's id has no index, which each INSERT would pay for: one plain look over the table finds it."""
        if not (wanted := search_term.strip()):
            return queryset, False
        found = AccessEvent.objects.order_by().filter(request_id=wanted).values_list("pk", flat=True)
        return queryset.filter(pk__in=list(found[:OF_A_REQUEST])), False

    @admin.display(description=_("when"))
    def when(self, event: AccessEvent) -> str:
        at = timezone.localtime(event.at)
        return f"{date_format(at)}, {time_format(at, 'H:i:s')}"

    @admin.display(description=_("person"))
    def who(self, event: AccessEvent) -> LazyText:
        return str(event.user) if event.user else _("a patient")

    @admin.display(description=_("record"))
    def record(self, event: AccessEvent) -> LazyText | None:
        content_type = ContentType.objects.get_for_id(event.content_type_id)  # remembered, unlike the foreign key
        kind = content_type.model_class()
        if event.object_id is None or kind is None:
            return kind._meta.verbose_name_plural if kind else content_type.model
        name = event.target or event.object_id
        if kind not in trailed_models(self.admin_site) or not event.target:
            return f"{kind._meta.verbose_name} {name}"
        url = admin_url(kind, "change", event.object_id)
        return format_html('<span class="soft">{}</span> <a href="{}">{}</a>', kind._meta.verbose_name, url, name)

    def csv_rows(self, request: HttpRequest, shown: ChangeList) -> Iterator[Sequence]:
        return rows_of(shown.queryset)


def with_its_name(model: type[Model], model_admin: admin.ModelAdmin) -> QuerySet:
    """The records with what their lists need to name them."""
    related = model_admin.list_select_related
    named = isinstance(related, list | tuple) and related
    return model._default_manager.select_related(*named) if named else model._default_manager.all()


def rows_of(events: QuerySet[AccessEvent]) -> Iterator[Sequence]:
    """Titles, then a row for each event: records by kind and number, so that the file names no patient."""
    yield ["at", "username", "person", "action", "kind", "record", "request"]
    for event in events.prefetch_related(None).select_related("user").iterator(CHUNK):
        kind = ContentType.objects.get_for_id(event.content_type_id)
        yield [
            timezone.localtime(event.at).isoformat(timespec="milliseconds"),
            event.user.username if event.user else "",
            str(event.user) if event.user else "",
            event.action,
            f"{kind.app_label}.{kind.model}",
            event.object_id,
            event.request_id,
        ]
