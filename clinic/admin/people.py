from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from backoffice.admin import ClinicalAdmin
from clinic.admin.chips import status_chip
from clinic.models import Appointment, Patient
from clinic.staff_forms import PatientForm


class AppointmentInline(admin.TabularInline):
    """The patient's visits, to read and to open."""

    model = Appointment
    fields = readonly_fields = ["visit", "queue_number", "state", "notes"]
    ordering = ["-session__date", "-session__opens_at"]
    can_delete = False
    extra = 0

    def get_queryset(self, request):
        return super().get_queryset(request).visible().select_related("session")

    def has_add_permission(self, request, obj=None):
        return False  # a place is taken by booking it, on the appointment's own page

    @admin.display(description=_("visit"))
    def visit(self, appointment):
        url = reverse("admin:clinic_appointment_change", args=[appointment.pk])
        return format_html('<a href="{}">{}</a>', url, appointment.session)

    @admin.display(description=_("status"))
    def state(self, appointment):
        return status_chip(appointment)


@admin.register(Patient)
class PatientAdmin(ClinicalAdmin):
    form = PatientForm
    inlines = [AppointmentInline]
    list_display = ["full_name", "masked_national_id", "date_of_birth", "age", "sex", "phone"]
    list_filter = ["sex"]
    search_fields = ["full_name", "national_id", "phone", "email"]
    search_help_text = _("Name, national ID, phone or e-mail")

    @admin.display(description=_("national ID"), ordering="national_id")
    def masked_national_id(self, patient):
        return "•" * 7 + patient.national_id[-3:] if patient.national_id else "–"

    @admin.display(description=_("age"), ordering="-date_of_birth")
    def age(self, patient):
        return patient.age
