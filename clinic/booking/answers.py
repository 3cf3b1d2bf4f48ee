"""What a patient answers to the survey: with the booking, or asked by staff afterwards."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from simple_history.utils import bulk_create_with_history

from backoffice.models import User
from backoffice.records.mixins import written_at_once
from clinic.booking.errors import AlreadyAnswered, BookingError
from clinic.models import Appointment, LikertAnswer, LikertQuestion, NumericAnswer, NumericQuestion, Question


def keep_answers(
    appointment: Appointment,
    likert: Mapping[LikertQuestion, int],
    numeric: Mapping[NumericQuestion, Decimal],
    *,
    by: User | None,
) -> None:
    """Write the answers of a booking that has none to these questions, under the wording in which they were asked: the
    page's, else that of the language that is spoken at this moment."""
    kinds: list[tuple[type[LikertAnswer | NumericAnswer], str, Mapping[Any, int | Decimal]]] = [
        (LikertAnswer, "score", likert),
        (NumericAnswer, "value", numeric),
    ]
    for model, field, answers in kinds:
        rows = [
            model(
                appointment=appointment,
                question=question,
                asked_as=question.as_asked,
                **{field: answer},
            )
            for question, answer in answers.items()
        ]
        if rows:
            bulk_create_with_history(rows, model, default_user=by)
            written_at_once.send(sender=model, rows=rows, created=True, fields=None)


def answered(appointment: Appointment) -> set[Question]:
    """The questions to which this booking has an answer, also one that is hidden."""
    return {
        answer.question
        for answers in (appointment.likert_answers, appointment.numeric_answers)
        for answer in answers.select_related("question")
    }


def has_open_questions(appointment: Appointment) -> bool:
    """Whether the survey asks something that this booking has not answered."""
    asked: Any = Appointment.objects.filter(pk=appointment.pk).with_open_questions()
    return asked.values_list("has_open_questions", flat=True).get()


@transaction.atomic
def answer(
    appointment: Appointment,
    *,
    likert: Mapping[LikertQuestion, int],
    numeric: Mapping[NumericQuestion, Decimal],
    by: User | None,
) -> None:
    """Keep what a booking had not answered yet.

    Raises AlreadyAnswered where somebody else was first, and BookingError where the booking is hidden; nothing is
    written then.
    """
    now = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)  # one at a time asks what is open
    if now.is_hidden:
        raise BookingError(_("This booking is hidden. Restore it first."))
    if taken := answered(now) & {*likert, *numeric}:
        raise AlreadyAnswered(taken)
    keep_answers(now, likert, numeric, by=by)
