from datetime import date, timedelta

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base.filters import DayRangeFilter
from backoffice.lazy import LazyText


class DayFilter(admin.SimpleListFilter):
    """The days that a desk asks for, in the clinic's time zone. Subclasses name the date's `field`."""

    title = _("day")
    parameter_name = "day"
    field: str

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, LazyText]]:
        return [
            ("today", _("today")),
            ("tomorrow", _("tomorrow")),
            ("coming", _("from today on")),
            ("past", _("before today")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        today = timezone.localdate()
        chosen = {
            "today": {self.field: today},
            "tomorrow": {self.field: today + timedelta(days=1)},
            "coming": {f"{self.field}__gte": today},
            "past": {f"{self.field}__lt": today},
        }
        return queryset.filter(**chosen.get(self.value() or "", {}))


class FromToFilter(DayRangeFilter):
    """Any days, beside those that have a name."""

    title = _("from – to")

    def ranges(self, today: date) -> list[tuple[str, date | None, date | None]]:
        return []
