"""A column for each question of the survey, named as the question is worded."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Prefetch, QuerySet
from django.db.models.fields import NOT_PROVIDED
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from backoffice.exchange.cells import Cell, DecimalCell, WholeCell
from backoffice.exchange.column_names import folded
from backoffice.exchange.columns import BATCH, ExchangeField, Row
from backoffice.formats.kept import Sentence
from backoffice.formats.kept import gettext as _
from backoffice.models import User
from backoffice.records.mixins import written_at_once
from backoffice.records.relations import field_of
from backoffice.records.two_languages import shown
from clinic.models import Appointment, LikertAnswer, LikertQuestion, NumericAnswer, NumericQuestion, Question


class AnswerColumn(ExchangeField):
    """An answer, noted at the appointment and written once that is in the database. An empty cell changes none."""

    model_fields = ()
    model: type[models.Model]
    relation: str
    value: str

    def __init__(self, question: Question, names: dict[str | None, str], cell: Cell) -> None:
        super().__init__(f"{self.relation}_{question.pk}", names[None], cell, title=question.shown_text)
        self.question, self.names = question, names
        self.help_text = self.range()

    def called(self, language: str | None) -> str:
        return self.names[language]

    def range(self) -> str:
        """Between what an answer must be, as a sentence."""
        raise NotImplementedError

    def clean(self, row: Row, **kwargs: Any) -> Any:
        value = super().clean(row, **kwargs)
        if value is NOT_PROVIDED:
            return value
        value = field_of(self.model, self.value).clean(value, None)
        self.check(value)
        return value

    def check(self, value: Any) -> None:
        """Raises ValidationError where the question does not allow this answer."""

    def save(self, instance: Appointment, row: Row, is_m2m: bool = False, **kwargs: Any) -> None:
        value = self.clean(row, **kwargs)
        if value is not NOT_PROVIDED:
            self._noted(instance)[self.question.pk] = value

    def get_value(self, instance: Appointment) -> Any:
        noted = self._noted(instance)
        if self.question.pk in noted:
            return noted[self.question.pk]
        stored = self._stored(instance).get(self.question.pk)
        return None if stored is None or stored.is_hidden else getattr(stored, self.value)

    def _noted(self, instance: Appointment) -> dict:
        return instance.__dict__.setdefault(f"_noted_{self.relation}", {})

    def _stored(self, instance: Appointment) -> dict[int, Any]:
        """The answers on file, hidden ones too, by question."""
        if not instance.pk:
            return {}
        name = f"_stored_{self.relation}"
        if name not in instance.__dict__:
            answers = getattr(instance, self.relation).all()
            instance.__dict__[name] = {answer.question_id: answer for answer in answers}
        return instance.__dict__[name]

    def write(self, rows: Sequence[Appointment], *, user: User | None, reason: str) -> None:
        """Write what was noted and differs from what is on file. An answer that was hidden is visible again."""
        new, changed = [], []
        for appointment in rows:
            if self.question.pk not in self._noted(appointment):
                continue
            value = self._noted(appointment)[self.question.pk]
            answer = self._stored(appointment).get(self.question.pk)
            if answer is None:
                asked_as = shown(self.question, "text", appointment.language)
                answer = self.model(appointment=appointment, question=self.question, asked_as=asked_as)
                new.append(answer)
            elif getattr(answer, self.value) != value or answer.is_hidden:
                answer.hidden_at, answer.hidden_by, answer.hide_reason = None, None, ""
                changed.append(answer)
            setattr(answer, self.value, value)
        history = {"default_user": user, "default_change_reason": reason, "batch_size": BATCH}
        if new:
            bulk_create_with_history(new, self.model, **history)
        if changed:
            fields = [self.value, "hidden_at", "hidden_by", "hide_reason"]
            bulk_update_with_history(changed, self.model, fields, manager=self.model._default_manager, **history)
        for answers, created in ((new, True), (changed, False)):
            if answers:
                written_at_once.send(sender=self.model, rows=answers, created=created, fields=None)


class ScoreCell(WholeCell):
    example = "4"


class LikertColumn(AnswerColumn):
    model, relation, value = LikertAnswer, "likert_answers", "score"
    question: LikertQuestion

    def range(self) -> str:
        ends: dict[str, object] = {"low": LikertQuestion.LOWEST, "high": LikertQuestion.HIGHEST}
        ends |= {"at_low": Sentence(lambda: self.question.shown_min_label)}
        ends |= {"at_high": Sentence(lambda: self.question.shown_max_label)}
        return _("From %(low)d (%(at_low)s) to %(high)d (%(at_high)s).") % ends


class NumericColumn(AnswerColumn):
    model, relation, value = NumericAnswer, "numeric_answers", "value"
    question: NumericQuestion

    def __init__(self, question: NumericQuestion, names: dict[str | None, str], cell: DecimalCell) -> None:
        super().__init__(question, names, cell)
        if not question.allows(Decimal(cell.example)):
            cell.example = str(cell.render(question.maximum if question.minimum is None else question.minimum))

    def check(self, value: Decimal) -> None:
        if not self.question.allows(value):
            raise ValidationError(self.question.bounds_message())

    def range(self) -> str:
        is_bounded = self.question.minimum is not None or self.question.maximum is not None
        return self.question.bounds_message() if is_bounded else ""


def answer_columns(taken: Iterable[str]) -> list[AnswerColumn]:
    """A column for each visible question, asked today or not, named as it is worded in each language. Two with one
    wording, or one of `taken`, which are folded, get a number."""
    asked: list[tuple[Callable[..., AnswerColumn], type[Cell], Question]] = [
        (LikertColumn, ScoreCell, question) for question in LikertQuestion.objects.visible()
    ]
    asked += [(NumericColumn, DecimalCell, question) for question in NumericQuestion.objects.visible()]
    taken = set(taken)
    stable = [numbered(question.text, taken) for _kind, _cell, question in asked]
    return [
        kind(question, {None: name} | names_in_languages(question, name, taken), cell())
        for name, (kind, cell, question) in zip(stable, asked, strict=True)
    ]


def names_in_languages(question: Question, stable: str, taken: set[str]) -> dict[str, str]:
    wordings = {language: shown(question, "text", language) for language, _name in settings.LANGUAGES}
    return {
        language: stable if wording == question.text else numbered(wording, taken)
        for language, wording in wordings.items()
    }


def numbered(wording: str, taken: set[str]) -> str:
    """The wording, with a number where it is one of those taken; it is taken then."""
    wording = name = " ".join(wording.split())
    number = 1
    while folded(name) in taken:
        number += 1
        name = f"{wording} ({number})"
    taken.add(folded(name))
    return name


def with_answers(appointments: QuerySet[Appointment]) -> QuerySet[Appointment]:
    return appointments.prefetch_related(
        Prefetch("likert_answers", LikertAnswer.objects.only("appointment", "question", "score", "hidden_at")),
        Prefetch("numeric_answers", NumericAnswer.objects.only("appointment", "question", "value", "hidden_at")),
    )
