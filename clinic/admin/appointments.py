from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice.access.people import StaffRequest
from backoffice.admin import ClinicalAdmin
from backoffice.formats.lists import told_of
from backoffice.live.chips import Tone, chip
from backoffice.models.users import person_of
from backoffice.records.mixins import hideable
from backoffice.records.names import name_for
from backoffice.records.relations import field_of
from backoffice.records.search import Exact, through
from backoffice.web.admin_urls import admin_url
from clinic import booking
from clinic.admin.answers_page import AsksSurvey
from clinic.admin.booking_changes import ChangesBookings
from clinic.admin.chips import status_chip
from clinic.admin.days import DayFilter, FromToFilter
from clinic.admin.hiding import HidesAppointments
from clinic.admin.identity_page import SettlesIdentities, identity_url
from clinic.admin.patients import FoundByPatient, PatientAdmin
from clinic.admin.staff_forms import AnswerForm, AppointmentForm, WalkInForm
from clinic.models import Appointment, LikertAnswer, NumericAnswer, Patient, may_name_hidden, shown_name
from clinic.resources import AppointmentResource


class AnswerInline(admin.TabularInline):
    """What the patient answered, under the wording in which it was asked: to read, and to correct."""

    form = AnswerForm
    formfield_overrides = ClinicalAdmin.formfield_overrides
    readonly_fields = ["asked_as"]
    can_delete = False
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return hideable(super().get_queryset(request)).visible().order_by("question__position", "pk")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class LikertAnswerInline(AnswerInline):
    model = LikertAnswer
    fields = ["asked_as", "score"]


class NumericAnswerInline(AnswerInline):
    model = NumericAnswer
    fields = ["asked_as", "value"]


class AppointmentDayFilter(DayFilter):
    field = "session__date"


class AppointmentDaysFilter(FromToFilter):
    field = "session__date"
    moments = {"booked": ("created_at", _("booked"))}


@cache
def patient_column(may_be_named: bool) -> Callable[[Appointment], str]:
    """The patient in the list, for those who may read a hidden one's name, or for everybody else."""

    @admin.display(description=_("patient"), ordering="patient")
    def patient(appointment: Appointment) -> str:
        whose = appointment.patient
        return shown_name(whose.full_name, whose.is_hidden, may_be_named=may_be_named)

    return patient


@admin.register(Appointment)
class AppointmentAdmin(
    AsksSurvey, ChangesBookings, SettlesIdentities, HidesAppointments, FoundByPatient, ClinicalAdmin
):
    resource_class = AppointmentResource
    masked_fields = ["reference"]  # whoever knows it may change the booking
    inlines = [LikertAnswerInline, NumericAnswerInline]
    actions = ["check_in", "mark_done", "mark_no_show", "cancel", "reinstate", "send_link", *ClinicalAdmin.actions]
    autocomplete_fields = ["patient"]
    list_display = ["patient", "queue_number", "day", "period", "state", "source", "identity"]
    list_filter = [
        AppointmentDayFilter, AppointmentDaysFilter, "session__period", "status", "source", "identity_conflict",
    ]  # fmt: skip
    links_by = ["patient__exact", "status__in"]
    list_select_related = ["patient", "session"]
    search = {**through("patient", PatientAdmin.search), "reference": Exact(r"[\w-]{22,43}", stands_alone=True)}
    search_help_text = PatientAdmin.search_help_text
    sortable_by = ["patient", "day"]
    date_hierarchy = "session__date"
    empty_text = _("Nobody is booked yet. Patients book on the public page; whoever calls or walks in is booked here.")

    # -- Booking at the desk ------------------------------------------------------------------------------------------

    def get_form(
        self, request: HttpRequest, obj: Appointment | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        form: Any = super().get_form(request, obj, change, form=AppointmentForm if obj else WalkInForm, **kwargs)
        form.refusal = getattr(request, "booking_refusal", None)
        return form

    def get_fields(self, request: HttpRequest, obj: Appointment | None = None) -> list[Any]:
        if obj is None:
            return ["patient", "offer", "overbook", "symptoms", "notes"]
        identity = ["identity", "given"] if obj.claimed or obj.identity_conflict else []
        return ["whose", "session", "queue_number", "state", *identity, "symptoms", "notes"]

    def get_readonly_fields(self, request: HttpRequest, obj: Appointment | None = None) -> list[Any]:
        return ["whose", "session", "queue_number", "state", "identity", "given"] if obj else []

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        soonest_first = ["session__date", "session__opens_at", "queue_number"]
        return (
            soonest_first if request.GET.get(DayFilter.parameter_name) == "coming" else [*super().get_ordering(request)]
        )

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name == "symptoms":
            field.widget.can_add_related = False  # the list of symptoms is the administrator's, on its own page
        return field

    def get_inlines(self, request: HttpRequest, obj: Appointment | None) -> list[Any]:
        return [*self.inlines] if obj else []

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except booking.BookingError as refusal:
            # Somebody took the place after the form was found valid: it is shown again, and says so.
            request.booking_refusal = refusal  # type: ignore[attr-defined]  # for get_form
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Appointment, form: forms.ModelForm, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        answers = cast(WalkInForm, form)
        booked = booking.book(
            form.cleaned_data["offer"],
            form.cleaned_data["patient"],
            by=person_of(request),
            symptoms=form.cleaned_data["symptoms"],
            likert=answers.likert,
            numeric=answers.numeric,
            notes=form.cleaned_data["notes"],
            overbook=form.cleaned_data["overbook"],
        )
        obj.pk = booked.pk
        obj.refresh_from_db()

    # -- Columns ------------------------------------------------------------------------------------------------------

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._with_patient(super().get_list_display(request), request)

    def get_sortable_by(self, request: HttpRequest) -> list[Any]:
        return self._with_patient(super().get_sortable_by(request), request)

    def _with_patient(self, names: Sequence[Any], request: HttpRequest) -> list:
        column = patient_column(may_name_hidden(request.user))
        return [column if name == "patient" else name for name in names]

    @admin.display(description=_("day"), ordering="session__date")
    def day(self, appointment: Appointment) -> date:
        return appointment.session.date

    @admin.display(description=_("period"), ordering="session__opens_at")
    def period(self, appointment: Appointment) -> str:
        return appointment.session.get_period_display()

    @admin.display(description=_("status"), ordering="status")
    def state(self, appointment: Appointment) -> SafeString:
        return status_chip(appointment)

    @admin.display(description=_("patient"))
    def whose(self, appointment: Appointment) -> SafeString:
        url = admin_url(Patient, "change", appointment.patient_id)
        return format_html('<a href="{}">{}</a>', url, name_for(appointment.patient, None))

    @admin.display(description=_("given with the booking"))
    def given(self, appointment: Appointment) -> str:
        if appointment.patient.is_hidden:
            return "–"
        names = {name: field_of(Patient, name).verbose_name for name in appointment.claimed}
        return format_html_join(
            "", "{}<br>", ((told_of(names[name], said),) for name, said in appointment.claimed.items())
        )

    @admin.display(description=_("identity"), ordering="identity_conflict")
    def identity(self, appointment: Appointment) -> str:
        if not appointment.identity_conflict:
            return "–" if appointment.claimed else ""
        return format_html('<a href="{}">{}</a>', identity_url(appointment), chip(_("to check"), Tone.WAIT))

    # -- The day at the desk ------------------------------------------------------------------------------------------

    @admin.action(description=_("Check in"), permissions=["change"])
    def check_in(self, request: StaffRequest, queryset: QuerySet) -> None:
        n = self._each(request, queryset, booking.check_in)
        self._tell(request, n, ngettext("%d patient is checked in.", "%d patients are checked in.", n))

    @admin.action(description=_("Mark as done"), permissions=["change"])
    def mark_done(self, request: StaffRequest, queryset: QuerySet) -> None:
        n = self._each(request, queryset, booking.mark_done)
        self._tell(request, n, ngettext("%d visit is done.", "%d visits are done.", n))

    @admin.action(description=_("Mark as not come"), permissions=["change"])
    def mark_no_show(self, request: StaffRequest, queryset: QuerySet) -> None:
        n = self._each(request, queryset, booking.mark_no_show)
        self._tell(request, n, ngettext("%d patient did not come.", "%d patients did not come.", n))

    def _each(self, request: StaffRequest, queryset: QuerySet, function: Callable) -> int:
        """Do it to each, in the order of their numbers; say which refused and why. Returns how many did not."""
        done = 0
        for appointment in queryset.order_by("session_id", "queue_number"):
            try:
                function(appointment, by=request.user)
                done += 1
            except booking.BookingError as refusal:
                told = refusal.for_staff(request.user)
                messages.error(request, told_of(name_for(appointment.patient, request.user), told))
        return done

    def _tell(self, request: HttpRequest, n: int, sentence: str) -> None:
        if n:
            messages.success(request, sentence % n)
