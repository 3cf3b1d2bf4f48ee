from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from clinic.admin.edited_in_place import EditableListAdmin
from clinic.admin.hiding import HidesQuestions, HidesSymptoms
from clinic.models import LikertQuestion, NumericQuestion, Symptom
from clinic.resources import LikertQuestionResource, NumericQuestionResource, SymptomResource


@admin.register(Symptom)
class SymptomAdmin(HidesSymptoms, EditableListAdmin):
    resource_class = SymptomResource
    fields = [("name", "name_other"), "position", "is_active"]
    list_display = ["shown_name", "position", "is_active"]
    list_editable = ["position", "is_active"]
    list_filter = ["is_active"]
    empty_text = _("No symptoms yet: patients tick them when they book.")
    search_fields = ["name", "name_other"]


class QuestionAdmin(HidesQuestions, EditableListAdmin):
    history_leaves_out = ["answers"]  # every visit's
    change_list_template = "clinic/admin_questions.html"
    list_editable = ["position", "is_active", "is_required"]
    list_filter = ["is_active", "is_required"]
    empty_text = _("No questions of this kind yet: patients answer them when they book.")
    search_fields = ["text", "text_other"]


@admin.register(LikertQuestion)
class LikertQuestionAdmin(QuestionAdmin):
    resource_class = LikertQuestionResource
    fields = [
        ("text", "text_other"),
        ("min_label", "min_label_other"),
        ("max_label", "max_label_other"),
        "position",
        "is_active",
        "is_required",
    ]
    list_display = ["shown_text", "shown_min_label", "shown_max_label", "position", "is_active", "is_required"]


@admin.register(NumericQuestion)
class NumericQuestionAdmin(QuestionAdmin):
    resource_class = NumericQuestionResource
    fields = [
        ("text", "text_other"),
        ("unit", "unit_other"),
        "minimum",
        "maximum",
        "position",
        "is_active",
        "is_required",
    ]
    list_display = ["shown_text", "shown_unit", "minimum", "maximum", "position", "is_active", "is_required"]
