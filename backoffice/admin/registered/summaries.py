"""The days' summaries: each with the lists behind its numbers, and today as far as it has come."""

import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base.changelists import FastListAdmin, ReadOnlyAdmin
from backoffice.admin.base.filters import DayRangeFilter
from backoffice.jobs import summary
from backoffice.models import DailySummary
from backoffice.web.admin_urls import admin_url


class SummaryDayFilter(DayRangeFilter):
    field = "day"


@admin.register(DailySummary)
class DailySummaryAdmin(ReadOnlyAdmin, FastListAdmin):
    list_display = ["__str__", "made_at", "to_look_at"]
    list_filter = [SummaryDayFilter]
    sortable_by = []
    empty_text = _("No day has been summarised yet: the first comes tomorrow morning.")
    change_list_template = "backoffice/summaries.html"

    def get_urls(self) -> list[URLPattern]:
        today = self.admin_site.admin_view(self.today_view)
        return [path("today/", today, name="backoffice_dailysummary_today"), *super().get_urls()]

    def today_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        today = timezone.localdate()
        title = _("%(day)s, so far") % {"day": date_format(today, "LONG_DAY_FORMAT")}
        return self._page(request, today, title, summary.of(today))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        made = self.get_object(request, object_id)
        if made is None:
            return self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined]  # not in the stubs
                request, self.opts, object_id
            )
        title = date_format(made.day, "LONG_DAY_FORMAT")
        return self._page(request, made.day, title, list(summary.as_kept(made.sections)))

    def _page(
        self, request: HttpRequest, day: datetime.date, title: str, sections: list[summary.Section]
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "sections": sections,
            "before": self._neighbour("-day", day__lt=day),
            "after": self._neighbour("day", day__gt=day),
        }
        return TemplateResponse(request, "backoffice/summary.html", context)

    def _neighbour(self, order: str, **days: datetime.date) -> tuple[DailySummary, str] | None:
        found = DailySummary.objects.filter(**days).defer("sections").order_by(order).first()
        return (found, admin_url(found, "change", found.pk)) if found else None

    @admin.display(description=_("to look at"))
    def to_look_at(self, made: DailySummary) -> int:
        """How many figures somebody should look at."""
        return sum(figure["is_bad"] for section in made.sections for figure in section["figures"])
