from django.contrib import admin

from backoffice.admin import ClinicalAdmin
from clinic.models import LikertQuestion, NumericQuestion, Symptom


@admin.register(Symptom)
class SymptomAdmin(ClinicalAdmin):
    fields = ["name", "position", "is_active"]
    list_display = ["name", "position", "is_active"]
    list_editable = ["position", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["name"]


class QuestionAdmin(ClinicalAdmin):
    list_editable = ["position", "is_active", "is_required"]
    list_filter = ["is_active", "is_required"]
    search_fields = ["text"]


@admin.register(LikertQuestion)
class LikertQuestionAdmin(QuestionAdmin):
    fields = ["text", "min_label", "max_label", "position", "is_active", "is_required"]
    list_display = ["text", "min_label", "max_label", "position", "is_active", "is_required"]


@admin.register(NumericQuestion)
class NumericQuestionAdmin(QuestionAdmin):
    fields = ["text", "unit", "minimum", "maximum", "position", "is_active", "is_required"]
    list_display = ["text", "unit", "minimum", "maximum", "position", "is_active", "is_required"]
