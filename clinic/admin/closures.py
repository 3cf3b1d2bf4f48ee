from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.admin.hiding import HidesClosures
from clinic.admin.opening_hours import TimetableAdmin
from clinic.models import Closure


@admin.register(Closure)
class ClosureAdmin(HidesClosures, TimetableAdmin):
    fields = ["starts_on", "ends_on", "period", ("reason", "reason_other")]
    list_display = ["shown_reason", "starts_on", "ends_on", "closed_period"]
    list_filter = ["period"]
    search_fields = ["reason", "reason_other"]
    date_hierarchy = "starts_on"
    empty_text = gettext_lazy("No closed days: holidays and days off stand here, and cannot be booked.")

    @admin.display(description=gettext_lazy("period"), ordering="period")
    def closed_period(self, closure: Closure) -> str:
        return closure.get_period_display() or _("whole day")
