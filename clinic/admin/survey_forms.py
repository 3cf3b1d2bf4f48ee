"""The survey as one form: both kinds of question, saved together or not at all."""

import math
from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base.concurrent_rows import merging_rows
from backoffice.records.forms import RowForm
from clinic.models import LikertQuestion, NumericQuestion
from clinic.models.survey import Question

MOST = 100  # questions of one kind: whoever sends more rows waits for none of them to be drawn


class QuestionForm(RowForm):
    """One question. A new one that says nothing yet is left alone, whatever its boxes and its place are."""

    PLACE_AND_BOXES = ("position", "is_active", "is_required")

    def __init__(self, *args: Any, end: int = 0, **kwargs: Any) -> None:
        self.end = end
        super().__init__(*args, **kwargs)
        self.fields["position"].required = False
        if not self.instance.pk:
            self.initial["position"] = None
            self.fields["text"].widget.attrs["placeholder"] = _("A new question")

    def name_of_row(self) -> str:
        return str(self.instance) or str(_("new question"))

    def has_changed(self) -> bool:
        if self.instance.pk:
            return super().has_changed()
        return not set(self.changed_data) <= set(self.PLACE_AND_BOXES)

    def clean_position(self) -> int:
        """Empty means at the end."""
        position = self.cleaned_data["position"]
        return self.end if position is None else position

    def wording(self) -> list[forms.BoundField]:
        """The fields that make the question; its place and boxes stand apart."""
        return [field for field in self.visible_fields() if field.name not in self.PLACE_AND_BOXES]


class LikertQuestionForm(QuestionForm):
    class Meta:
        model = LikertQuestion
        fields = [
            "position",
            "text",
            "text_other",
            "min_label",
            "min_label_other",
            "max_label",
            "max_label_other",
            "is_active",
            "is_required",
        ]


class NumericQuestionForm(QuestionForm):
    class Meta:
        model = NumericQuestion
        fields = [
            "position",
            "text",
            "text_other",
            "unit",
            "unit_other",
            "minimum",
            "maximum",
            "is_active",
            "is_required",
        ]

    def clean(self) -> dict[str, Any] | None:
        """Says at the field what the model's constraint would say of the whole question."""
        cleaned = super().clean() or {}
        minimum, maximum = cleaned.get("minimum"), cleaned.get("maximum")
        if minimum is not None and maximum is not None and minimum > maximum:
            self.add_error("maximum", _("The smallest answer must not be above the largest."))
        return cleaned


class QuestionFormSet(forms.BaseModelFormSet):
    """Visible questions in the survey's order, those that are not asked any more among them."""

    model: type[Question]

    def __init__(self, data: QueryDict | None = None, *, may_add: bool, **kwargs: Any) -> None:
        super().__init__(data, queryset=self.model.objects.visible(), **kwargs)
        self.edit_only = not may_add
        self.extra = 1 if may_add else 0

    def __iter__(self) -> Iterator[Any]:
        """In the order that was typed, also while it is not saved yet."""
        return iter(sorted(self.forms, key=_place))

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        return {**super().get_form_kwargs(index), "end": self.end}

    @property
    def end(self) -> int:
        return max((question.position for question in self.get_queryset()), default=0) + 1

    @property
    def title(self) -> str:
        return str(self.model._meta.verbose_name_plural)


def _place(form: forms.ModelForm) -> float:
    try:
        return int(form["position"].value())
    except (TypeError, ValueError):
        return math.inf  # empty: at the end


def _formset(form: type[QuestionForm]) -> type[QuestionFormSet]:
    limits: dict[str, Any] = {"max_num": MOST, "absolute_max": MOST, "validate_max": True}
    return forms.modelformset_factory(form._meta.model, form, formset=QuestionFormSet, **limits)  # type: ignore[return-value]  # inherits from what it is given


LikertFormSet, NumericFormSet = _formset(LikertQuestionForm), _formset(NumericQuestionForm)


class SurveyForms:
    """Bound where there is `data`. `may_add` offers an empty row of each kind, and takes more. What comes in is checked
    and saved in one transaction."""

    def __init__(self, data: QueryDict | None = None, *, may_add: bool, request: HttpRequest) -> None:
        self.likert = merging_rows(LikertFormSet, request)(data, prefix="likert", may_add=may_add)
        self.numeric = merging_rows(NumericFormSet, request)(data, prefix="numeric", may_add=may_add)

    def __iter__(self) -> Iterator[QuestionFormSet]:
        return iter([self.likert, self.numeric])

    def is_valid(self) -> bool:
        valid = [formset.is_valid() for formset in self]  # both are asked, so that the errors of both are shown
        return all(valid)

    @property
    def have_errors(self) -> bool:
        return any(formset.is_bound and formset.total_error_count() for formset in self)

    def save(self) -> int:
        """Save what changed, of both or of neither. Returns how many questions that were."""
        return sum(len(formset.save()) for formset in self)
