from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.admin import ClinicalAdmin
from backoffice.records.forms import RowForm
from clinic.admin.hiding import HidesQuestions, HidesSymptoms
from clinic.models import LikertQuestion, NumericQuestion, Symptom
from clinic.resources import LikertQuestionResource, NumericQuestionResource, SymptomResource


class EditableListAdmin(ClinicalAdmin):
    """Put in order and switched on and off in the list itself."""

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> type[forms.ModelForm]:
        return super().get_changelist_form(request, form=RowForm, **kwargs)


@admin.register(Symptom)
class SymptomAdmin(HidesSymptoms, EditableListAdmin):
    resource_class = SymptomResource
    fields = ["name", "position", "is_active"]
    list_display = ["name", "position", "is_active"]
    list_editable = ["position", "is_active"]
    list_filter = ["is_active"]
    empty_text = _("No symptoms yet: patients tick them when they book.")
    search_fields = ["name"]


class QuestionAdmin(HidesQuestions, EditableListAdmin):
    history_leaves_out = ["answers"]  # every visit's
    change_list_template = "clinic/admin_questions.html"
    list_editable = ["position", "is_active", "is_required"]
    list_filter = ["is_active", "is_required"]
    empty_text = _("No questions of this kind yet: patients answer them when they book.")
    search_fields = ["text"]


@admin.register(LikertQuestion)
class LikertQuestionAdmin(QuestionAdmin):
    resource_class = LikertQuestionResource
    fields = ["text", "min_label", "max_label", "position", "is_active", "is_required"]
    list_display = ["text", "min_label", "max_label", "position", "is_active", "is_required"]


@admin.register(NumericQuestion)
class NumericQuestionAdmin(QuestionAdmin):
    resource_class = NumericQuestionResource
    fields = ["text", "unit", "minimum", "maximum", "position", "is_active", "is_required"]
    list_display = ["text", "unit", "minimum", "maximum", "position", "is_active", "is_required"]
