"""The survey's questions as fields of a form: of the public page, and of those that staff fill in for a patient."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from backoffice.records.fields import NumberField
from clinic.models import LikertQuestion, NumericQuestion, Question

ASKED_AS = "asked_as"
SALT = "clinic.survey"


class ScaleInput(forms.RadioSelect):
    """The numbers of a scale side by side, with what its ends mean below."""

    template_name = "clinic/scale_input.html"

    class Media:
        css = {"all": ["clinic/choices.css"]}

    def __init__(self, question: LikertQuestion) -> None:
        super().__init__()
        self.question = question

    def get_context(self, name: str, value: object, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, value, attrs) | {"question": self.question}


class AskedAs(forms.HiddenInput):
    """Carries how a page words its questions, signed: before the answers come, its reader may have chosen another
    language, or the clinic have worded one anew. Whatever was sent, a page that is shown anew says what it shows."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__()
        self.wordings = {name: field.question.shown_text for name, field in fields.items() if is_question(field)}

    def get_context(self, name: str, value: object, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, signing.dumps(self.wordings, salt=SALT, compress=True), attrs)


class AskedAsField(forms.Field):
    """The same as a field, for a form of Django's admin, which shows fields alone."""

    def has_changed(self, initial: object, data: object) -> bool:
        return False


def with_wordings(fields: dict[str, forms.Field]) -> dict[str, forms.Field]:
    wordings = AskedAsField(label=_("asked as"), required=False, widget=AskedAs(fields))
    return fields | {ASKED_AS: wordings} if fields else {}


def is_question(field: forms.Field) -> bool:
    return isinstance(getattr(field, "question", None), Question)


def survey_fields(*, leave_out: Collection[Question] = (), for_staff: bool = False) -> dict[str, forms.Field]:
    """What is asked today, both kinds in one order, as the clinic arranged them: `habit_<id>` on a scale, `chabit_<id>`
    as a number. `for_staff`: nothing is required, and each label tells its unit."""
    asked: dict[str, Any] = {
        f"habit_{question.pk}": scale_field(question) for question in LikertQuestion.objects.asked()
    }
    asked |= {f"chabit_{question.pk}": number_field(question) for question in NumericQuestion.objects.asked()}
    wanted = [(name, field) for name, field in asked.items() if field.question not in leave_out]
    if for_staff:
        for _name, field in wanted:
            field.required, field.label = False, field.question.text_with_unit
    return dict(sorted(wanted, key=lambda item: item[1].question.position))


class ReadsSurvey:
    """Mixin of a form with these fields: the answers that were given, by question."""

    data: Mapping[str, Any]
    fields: dict[str, Any]
    cleaned_data: dict[str, Any]

    @property
    def likert(self) -> dict[LikertQuestion, int]:
        return self._given(LikertQuestion)

    @property
    def numeric(self) -> dict[NumericQuestion, Decimal]:
        return self._given(NumericQuestion)

    def _given(self, kind: type[Question]) -> dict:
        wordings, answers = self._wordings(), {}
        for name, field in self.fields.items():
            question = getattr(field, "question", None)
            if isinstance(question, kind) and self.cleaned_data[name] is not None:
                question.worded = wordings.get(name, "")
                answers[question] = self.cleaned_data[name]
        return answers

    @property
    def asked_as(self) -> SafeString:
        return AskedAs(self.fields).render(ASKED_AS, None)

    def _wordings(self) -> dict[str, str]:
        """Those of the page that the answers came from; none where it was none of ours."""
        with suppress(signing.BadSignature):
            return signing.loads(self.data.get(ASKED_AS, ""), salt=SALT)
        return {}


def scale_field(question: LikertQuestion) -> forms.Field:
    field = forms.TypedChoiceField(
        label=question.shown_text,
        required=question.is_required,
        choices=[(score, str(score)) for score in range(question.LOWEST, question.HIGHEST + 1)],
        coerce=int,
        empty_value=None,
        widget=ScaleInput(question),
        error_messages={"required": _("Choose a number on the scale.")},
    )
    field.question = question  # type: ignore[attr-defined]  # the template asks it
    return field


class AnswerField(NumberField):
    """A number, which may have its question's unit behind it."""

    question: NumericQuestion

    def to_python(self, value: object) -> Any:
        return super().to_python(self.question.without_unit(value) if isinstance(value, str) else value)


def number_field(question: NumericQuestion) -> forms.Field:
    field = AnswerField(
        label=question.shown_text,
        required=question.is_required,
        max_digits=10,
        decimal_places=2,
        validators=[within_bounds(question)],
        error_messages={"required": _("Write a number.")},
    )
    field.question = question
    return field


def within_bounds(question: NumericQuestion) -> Callable[[Decimal], None]:
    def check(value: Decimal) -> None:
        if not question.allows(value):
            raise ValidationError(question.bounds_message())

    return check
