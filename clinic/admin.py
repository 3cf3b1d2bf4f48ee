from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from backoffice.admin import ClinicalAdmin
from clinic.models import Appointment, LikertQuestion, NumericQuestion, Patient, Symptom
from clinic.staff_forms import PatientForm


@admin.register(Patient)
class PatientAdmin(ClinicalAdmin):
    form = PatientForm
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


@admin.register(Appointment)
class AppointmentAdmin(ClinicalAdmin):
    search_fields = ["patient__full_name", "patient__national_id", "reference"]


@admin.register(Symptom)
class SymptomAdmin(ClinicalAdmin):
    list_display = ["name", "position", "is_active"]
    list_editable = ["position", "is_active"]
    search_fields = ["name"]


class QuestionAdmin(ClinicalAdmin):
    list_editable = ["position", "is_active", "is_required"]
    list_filter = ["is_active", "is_required"]
    search_fields = ["text"]


@admin.register(LikertQuestion)
class LikertQuestionAdmin(QuestionAdmin):
    list_display = ["text", "min_label", "max_label", "position", "is_active", "is_required"]


@admin.register(NumericQuestion)
class NumericQuestionAdmin(QuestionAdmin):
    list_display = ["text", "unit", "minimum", "maximum", "position", "is_active", "is_required"]
