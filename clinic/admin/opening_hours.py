from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from backoffice.access.people import StaffRequest
from backoffice.admin import ClinicalAdmin
from backoffice.models.users import person_of
from backoffice.records.mixins import ClinicalRecord, HideableQuerySet
from backoffice.web.admin_urls import admin_url
from clinic import booking
from clinic.admin.hiding import HidesHours
from clinic.admin.settling import AsksWhoIsBooked, decisions
from clinic.admin.staff_forms import OpeningHoursForm
from clinic.hours.losses import losses_by
from clinic.hours.preview import preview
from clinic.hours.text import Hours
from clinic.models import Closure, OpeningHours, Period
from clinic.resources import OpeningHoursResource


class TimetableAdmin(AsksWhoIsBooked, ClinicalAdmin):
    """What the sessions follow: its form shows what the booking page would offer, and each change is carried over."""

    change_form_template = "clinic/admin_timetable_form.html"

    def save_model(self, request: HttpRequest, obj: ClinicalRecord, form: forms.ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self.carry_over(request, [obj])

    def lock_rows(self, queryset: QuerySet) -> None:
        booking.hold_timetable()
        super().lock_rows(queryset)

    def hide_rows(self, request: StaffRequest, queryset: HideableQuerySet, **asked: Any) -> int:
        n = super().hide_rows(request, queryset, **asked)
        self.carry_over(request)
        return n

    def restore_rows(self, request: StaffRequest, queryset: HideableQuerySet) -> int:
        restored = list(queryset.hidden())
        n = super().restore_rows(request, queryset)
        self.carry_over(request, restored)
        return n

    def carry_over(self, request: HttpRequest, rows: Iterable[ClinicalRecord] = ()) -> None:
        """Bring the sessions in step with rows that were just saved, in the same transaction."""
        closing = [row for row in rows if isinstance(row, Closure)]
        self.tell_settled(request, booking.settle(decisions(request), by=person_of(request), closing=closing))

    # -- The preview --------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_preview"
        view = self.admin_site.admin_view(require_POST(self.preview_view))
        return [
            path("preview/", view, name=name),
            path("<int:pk>/preview/", view, name=name),
            *super().get_urls(),
        ]

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context["preview_url"] = admin_url(self.model, "preview", *([obj.pk] if obj else []))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def preview_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """The next days as this form, were it saved, would have them. Saves nothing."""
        row = self.get_object(request, str(pk)) if pk else None
        if not (self.has_change_permission(request, row) if pk else self.has_add_permission(request)):
            raise PermissionDenied
        form = self.get_form(request, row, change=bool(row))(request.POST, instance=row)
        if not form.is_valid():
            return render(request, "clinic/_preview.html", {"errors": what_is_wrong(form)})
        context = {"days": preview(form.instance), "periods": Period, "losses": losses_by(form.instance)}
        return render(request, "clinic/_preview.html", context)


def what_is_wrong(form: forms.ModelForm) -> list[str]:
    """The form's errors, but for fields that nobody has filled in yet."""
    return [
        message
        for errors in form.errors.as_data().values()
        for error in errors
        if error.code != "required"
        for message in error.messages
    ]


@admin.register(OpeningHours)
class OpeningHoursAdmin(HidesHours, TimetableAdmin):
    resource_class = OpeningHoursResource
    form = OpeningHoursForm
    fields = ["weekday", "period", "hours", "capacity", "is_open"]
    list_display = ["weekday", "period", "hours", "capacity", "is_open"]
    list_filter = ["weekday", "period", "is_open"]
    empty_text = _("There are no opening hours yet, so nobody can book: the public page offers what stands here.")
    empty_action = _("Type the first")

    @admin.display(description=_("hours"), ordering="opens_at")
    def hours(self, row: OpeningHours) -> str:
        return str(Hours(row.opens_at, row.closes_at))
