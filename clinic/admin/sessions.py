from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.access.people import StaffRequest
from backoffice.admin import ClinicalAdmin
from backoffice.admin.base.first_page import OnTheFirstPage
from backoffice.formats.lists import told_of
from backoffice.live.chips import Tone, chip
from backoffice.models.users import person_of
from backoffice.records.names import name_for
from clinic import booking
from clinic.admin.days import DayFilter, FromToFilter
from clinic.admin.desk import desk_url
from clinic.admin.desk_page import DeskPage
from clinic.admin.hiding import HidesSessions
from clinic.admin.settling import AsksWhoIsBooked, decisions
from clinic.admin.staff_forms import ClinicSessionForm
from clinic.hours.text import Hours
from clinic.models import Appointment, ClinicSession


class SessionDayFilter(DayFilter):
    field = "date"


class SessionDaysFilter(FromToFilter):
    field = "date"


@admin.register(ClinicSession)
class ClinicSessionAdmin(OnTheFirstPage, DeskPage, HidesSessions, AsksWhoIsBooked, ClinicalAdmin):
    form = ClinicSessionForm
    fields = ["date", "period", "hours", "capacity", "is_open"]
    actions = ["call_next", "recall", "skip", "count_anew", *ClinicalAdmin.actions]
    list_display = ["date", "period", "hours", "taken", "serving", "state"]
    list_filter = [SessionDayFilter, SessionDaysFilter, "period", "is_open", "set_by_hand"]
    date_hierarchy = "date"
    empty_text = gettext_lazy("No session yet: the first booking of a period makes one, as the opening hours say.")

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [*self.list_display, "desk"] if self.may_open_desk(request) else [*self.list_display]

    def get_readonly_fields(self, request: HttpRequest, obj: ClinicSession | None = None) -> list[Any]:
        return ["date", "period", "booked", "overbooked", "current_number", "last_number"] if obj else []

    def get_fields(self, request: HttpRequest, obj: ClinicSession | None = None) -> list[Any]:
        fields = self.fields or ()
        return [*fields, "booked", "overbooked", "current_number", "last_number"] if obj else [*fields]

    def save_model(self, request: HttpRequest, obj: ClinicSession, form: forms.ModelForm, change: bool) -> None:
        """Set by hand, it no longer follows the hours."""
        obj.set_by_hand = True
        if not change:
            super().save_model(request, obj, form, change)
            return
        self.tell_settled(request, booking.set_by_hand(obj, decisions(request), by=person_of(request)))
        obj.refresh_from_db()
        obj._history_user = person_of(request)
        obj.save(update_fields=["updated_at"])

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        soonest_first = ["date", "opens_at"]
        return (
            soonest_first if request.GET.get(DayFilter.parameter_name) == "coming" else [*super().get_ordering(request)]
        )

    # -- Columns ------------------------------------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("hours"), ordering="opens_at")
    def hours(self, session: ClinicSession) -> str:
        return str(Hours(session.opens_at, session.closes_at))

    @admin.display(description=gettext_lazy("booked"), ordering="booked")
    def taken(self, session: ClinicSession) -> SafeString:
        return format_html(
            '{} / {} <meter class="taken" max="{}" value="{}" aria-label="{}"></meter>',
            session.booked,
            session.capacity,
            max(session.capacity, 1),
            session.booked,
            _("places taken"),
        )

    @admin.display(description=gettext_lazy("now serving"), ordering="current_number")
    def serving(self, session: ClinicSession) -> int | str:
        return session.current_number or "–"

    @admin.display(description=gettext_lazy("state"), ordering="is_open")
    def state(self, session: ClinicSession) -> SafeString:
        now = timezone.localtime()
        if not session.is_open:
            return chip(_("closed"), Tone.BAD)
        if session.has_ended(now):
            return chip(_("over"), Tone.QUIET)
        if session.is_running(now):
            return chip(_("running"), Tone.GOOD)
        return chip(_("full"), Tone.WAIT) if not session.places_left else chip(_("open"))

    @admin.display(description=gettext_lazy("desk"))
    def desk(self, session: ClinicSession) -> SafeString:
        return format_html('<a href="{}">{}</a>', desk_url(session), _("Open"))

    # -- The queue ----------------------------------------------------------------------------------------------------

    @admin.action(description=gettext_lazy("Call next"), permissions=["change"])
    def call_next(self, request: StaffRequest, queryset: QuerySet) -> None:
        self._call(request, queryset, booking.call_next)

    @admin.action(description=gettext_lazy("Call the same number again"), permissions=["change"])
    def recall(self, request: StaffRequest, queryset: QuerySet) -> None:
        self._call(request, queryset, booking.recall)

    @admin.action(description=gettext_lazy("Skip: not here, call next"), permissions=["change"])
    def skip(self, request: StaffRequest, queryset: QuerySet) -> None:
        self._call(request, queryset, booking.skip)

    @admin.action(description=gettext_lazy("Count anew"), permissions=["change"])
    def count_anew(self, request: StaffRequest, queryset: QuerySet) -> None:
        """What `check_integrity` asks for, where a counter differs from the appointments."""
        for session in queryset:
            booking.count_anew(session, by=request.user)
            told = _("%(session)s: %(booked)s places are taken.")
            messages.success(request, told % {"session": session, "booked": session.booked})

    def _call(self, request: StaffRequest, queryset: QuerySet, function: Callable[..., Appointment | None]) -> None:
        for session in queryset:
            try:
                called = function(session, by=request.user)
            except booking.BookingError as refusal:
                messages.error(request, told_of(session, refusal))
                continue
            if called is None:
                messages.warning(request, _("%(session)s: nobody is waiting.") % {"session": session})
            else:
                told = _("Number %(number)s is called: %(patient)s.")
                told %= {"number": called.queue_number, "patient": name_for(called.patient, request.user)}
                link = format_html('{} <a href="{}">{}</a>', told, desk_url(session), _("Open the desk"))
                messages.success(request, link if self.may_open_desk(request) else told)
