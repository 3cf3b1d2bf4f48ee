from django.contrib import admin, messages
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from backoffice.admin import ClinicalAdmin
from clinic import booking
from clinic.models import Closure, OpeningHours
from clinic.periods import Hours
from clinic.staff_forms import OpeningHoursForm


class TimetableAdmin(ClinicalAdmin):
    """What the sessions follow: each change here is carried over to them, and those it leaves stranded are named."""

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        self.follow(request)

    def response_action(self, request, queryset):
        response = super().response_action(request, queryset)  # hiding and restoring change the timetable too
        self.follow(request)
        return response

    def follow(self, request) -> None:
        stranded = booking.follow_hours(timezone.localdate())
        if stranded:
            named = format_html_join(", ", "{} ({})", ((session, session.booked) for session in stranded))
            messages.warning(request, _("These sessions have bookings that the hours no longer offer: ") + named)


@admin.register(OpeningHours)
class OpeningHoursAdmin(TimetableAdmin):
    form = OpeningHoursForm
    fields = ["weekday", "period", "hours", "capacity", "is_open"]
    list_display = ["weekday", "period", "hours", "capacity", "is_open"]
    list_filter = ["weekday", "period", "is_open"]

    @admin.display(description=_("hours"), ordering="opens_at")
    def hours(self, row):
        return str(Hours(row.opens_at, row.closes_at))


@admin.register(Closure)
class ClosureAdmin(TimetableAdmin):
    fields = ["starts_on", "ends_on", "period", "reason"]
    list_display = ["reason", "starts_on", "ends_on", "closed_period"]
    list_filter = ["period"]
    search_fields = ["reason"]
    date_hierarchy = "starts_on"

    @admin.display(description=_("period"), ordering="period")
    def closed_period(self, closure):
        return closure.get_period_display() or _("whole day")
