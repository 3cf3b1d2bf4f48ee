"""The intake table: its columns, and its rows in the order of any of them.

The list in the admin and the CSV are both made of this, so that they show the same rows in the same order.
"""

from collections.abc import Container, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

from django.db.models import Case, Exists, F, IntegerField, OuterRef, QuerySet, Value, When

from backoffice.records.paging import LISTED
from backoffice.records.relations import field_of
from backoffice.records.text import masked
from backoffice.records.two_languages import is_chinese
from clinic.models import (
    IntakeRecord,
    LikertAnswer,
    LikertQuestion,
    NumericAnswer,
    NumericQuestion,
    Patient,
    Period,
    Question,
    shown_name,
)

NEWEST_FIRST = ["-date", "-appointment_id"]
CHUNK = 2000  # rows that an export holds at once

# A record with what is shown of its patient: in the list an IntakeRecord, in an export a tuple with the same names,
# which is made several times as quickly.
Row = Any
OF_THE_PATIENT = {
    "patient_name": F("patient__full_name"),
    "patient_national_id": F("patient__national_id"),
    "patient_hidden_at": F("patient__hidden_at"),
}
READ = [*OF_THE_PATIENT, "patient_id", "number", "date", "period", "age", "symptoms", "symptoms_in_chinese", "answers"]


class Column:
    """What every record has, by the name of its field. `order` leads to the value, then to what tells equals apart; it
    is empty where nothing is put in order."""

    order: Sequence[str]

    def __init__(self, name: str) -> None:
        self.name = name
        self.title = field_of(IntakeRecord, name).verbose_name
        self.order = [name, "appointment_id"]

    def filled(self, records: QuerySet) -> QuerySet:
        """The records that have a value here, ready to be ordered by it."""
        return records

    def empty(self, records: QuerySet) -> QuerySet:
        """The records that have none."""
        return records.none()

    def value(self, row: Row) -> Any:
        """What stands in the cell; None where there is nothing."""
        return getattr(row, self.name)


class PatientColumn(Column):
    def __init__(self, names_hidden: bool) -> None:
        super().__init__("patient")
        self.order = ["patient__full_name", "appointment_id"]
        self.names_hidden = names_hidden

    def value(self, row: Row) -> str:
        return shown_name(row.patient_name, row.patient_hidden_at is not None, may_be_named=self.names_hidden)


class NationalIDColumn(Column):
    """Read with the row and kept in no record. Its last signs, and no order, which would tell more of it.

    Whole for the patients of whom it is noted that it is revealed.
    """

    order = ()

    def __init__(self, names_hidden: bool, revealed_of: Container[int]) -> None:
        self.name = "national_id"
        self.title = field_of(Patient, self.name).verbose_name
        self.names_hidden, self.revealed_of = names_hidden, revealed_of

    def value(self, row: Row) -> str | None:
        if row.patient_hidden_at is not None and not self.names_hidden:
            return None
        whole = row.patient_id in self.revealed_of
        return (row.patient_national_id if whole else masked(row.patient_national_id)) or None


class PeriodColumn(Column):
    """In the order of the day, which is not that of the alphabet."""

    def __init__(self) -> None:
        super().__init__("period")
        self.order = ["place_in_day", "appointment_id"]
        self.labels = {period.value: str(period.label) for period in Period}  # translated once, not for every row

    def filled(self, records: QuerySet) -> QuerySet:
        places = [When(period=period, then=Value(place)) for place, period in enumerate(Period.values)]
        return records.alias(place_in_day=Case(*places, output_field=IntegerField()))

    def value(self, row: Row) -> str:
        return self.labels[row.period]


class SymptomsColumn(Column):
    """By their names in the reader's language, and in the order of these."""

    def __init__(self) -> None:
        super().__init__("symptoms")
        self.kept_in = "symptoms_in_chinese" if is_chinese() else "symptoms"
        self.order = [self.kept_in, "appointment_id"]

    def filled(self, records: QuerySet) -> QuerySet:
        return records.exclude(symptoms="")

    def empty(self, records: QuerySet) -> QuerySet:
        return records.filter(symptoms="")

    def value(self, row: Row) -> str | None:
        return getattr(row, self.kept_in) or None


class AnswerColumn(Column):
    """The answers to one question.

    Shown from the record's JSON, but put in order by the answers' own index (question, value, appointment): no database
    reads a million JSON objects quickly enough for a page of fifty.
    """

    def __init__(self, question: Question, kind: str, answers: type[LikertAnswer | NumericAnswer], value: str) -> None:
        self.name = f"{kind}_{question.pk}"
        self.title = question.text_with_unit
        self.question = question
        self.answers = answers
        self.relation = f"appointment__{kind}_answers"
        self.order = [f"{self.relation}__{value}", f"{self.relation}__appointment_id"]

    def filled(self, records: QuerySet) -> QuerySet:
        return records.filter(**{f"{self.relation}__question": self.question, f"{self.relation}__hidden_at": None})

    def empty(self, records: QuerySet) -> QuerySet:
        given = self.answers.objects.visible().filter(question=self.question.pk, appointment=OuterRef("appointment"))
        return records.filter(~Exists(given))

    def value(self, row: Row) -> int | float | None:
        return row.answers.get(self.name)


class ScoreColumn(AnswerColumn):
    def __init__(self, question: LikertQuestion) -> None:
        super().__init__(question, "likert", LikertAnswer, "score")


class NumberColumn(AnswerColumn):
    def __init__(self, question: NumericQuestion) -> None:
        super().__init__(question, "numeric", NumericAnswer, "value")


def columns(*, names_hidden: bool = False, revealed_of: Container[int] = ()) -> list[Column]:
    """What every record has, then the questions that are asked today, in the survey's order.

    `names_hidden`: for somebody who may read a hidden patient's name. `revealed_of`: the keys of the patients whose
    national ID is shown whole.
    """
    return [
        PatientColumn(names_hidden),
        NationalIDColumn(names_hidden, revealed_of),
        Column("number"),
        Column("date"),
        PeriodColumn(),
        Column("age"),
        SymptomsColumn(),
        *(ScoreColumn(question) for question in LikertQuestion.objects.asked()),
        *(NumberColumn(question) for question in NumericQuestion.objects.asked()),
    ]


class Rows:
    """Records in the order of a column, or newest first; those without a value there come last in both directions.

    Counts and slices like a list, as a paginator wants it, up to LISTED; iterates over all in chunks, as an export
    wants it. They are two queries end to end: one query that put the missing last could not follow an index.
    """

    def __init__(self, records: QuerySet, column: Column | None = None, descending: bool = False) -> None:
        self._records = records
        records = records.annotate(**OF_THE_PATIENT)
        if column is None:
            self._filled, self._empty = records.order_by(*NEWEST_FIRST), records.none()
        else:
            sign = "-" if descending else ""
            self._filled = column.filled(records).order_by(*(sign + path for path in column.order))
            self._empty = column.empty(records).order_by(*NEWEST_FIRST)

    @cached_property
    def _count(self) -> int:
        return self._records[: LISTED + 1].count()

    def count(self) -> int:
        return min(self._count, LISTED)

    @property
    def are_more_than_listed(self) -> bool:
        return self._count > LISTED

    def __getitem__(self, wanted: slice) -> list[Row]:
        page = list(self._filled[wanted])
        missing = wanted.stop - wanted.start - len(page)
        if missing:
            filled = wanted.start + len(page) if page else self._filled[: wanted.start].count()
            first = max(0, wanted.start - filled)
            page += self._empty[first : first + missing]
        return page

    def __iter__(self) -> Iterator[Row]:
        return chain.from_iterable(
            records.values_list(*READ, named=True).iterator(CHUNK) for records in (self._filled, self._empty)
        )


def lines(columns: Sequence[Column], rows: Rows) -> Iterator[Sequence]:
    """The titles, then each row's values: numbers and days as they are."""
    yield [str(column.title) for column in columns]
    for row in rows:
        yield [column.value(row) for column in columns]
