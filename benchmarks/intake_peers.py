"""The intake table as it is usually built: what bench_intake.py measures beside ours."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from import_export import fields, resources

from clinic.models import Appointment, IntakeRecord, LikertAnswer, LikertQuestion, NumericAnswer, NumericQuestion
from clinic.models.survey import Question

KINDS = [(LikertQuestion, LikertAnswer, "score"), (NumericQuestion, NumericAnswer, "value")]


class StockAdmin(admin.ModelAdmin):
    """A list of appointments that looks up each answer of each row, and sorts by a subquery."""

    list_per_page = 50
    list_select_related = ["patient", "session"]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        shown = [
            self.column(question, answers, value)
            for questions, answers, value in KINDS
            for question in questions.objects.asked()
        ]
        return ["patient", "queue_number", "session", "ticked", *shown]

    def ticked(self, appointment: Appointment) -> str:
        return ", ".join(str(symptom) for symptom in appointment.symptoms.all())

    def column(self, question: Question, answers: Any, value: str) -> Callable[[Appointment], Any]:
        given = answers.objects.filter(appointment=OuterRef("pk"), question=question)

        @admin.display(description=question.text, ordering=Subquery(given.values(value)[:1]))
        def answer(appointment: Appointment) -> Any:
            return answers.objects.filter(appointment=appointment, question=question).values_list(value).first()

        answer.__name__ = f"{value}_{question.pk}"
        return answer


def stock_admin() -> StockAdmin:
    return StockAdmin(Appointment, admin.site)


def resource() -> resources.ModelResource:
    """import-export's resource for the same columns as ours, read from the same flat records."""
    names = [f"likert_{q.pk}" for q in LikertQuestion.objects.asked()]
    names += [f"numeric_{q.pk}" for q in NumericQuestion.objects.asked()]
    columns = {name: fields.Field(attribute=f"answers__{name}", column_name=name) for name in names}
    columns["patient"] = fields.Field(attribute="patient__full_name", column_name="patient")

    class Meta:
        model = IntakeRecord
        fields = ["patient", "number", "date", "period", "age", "symptoms", *names]

    return type("IntakeResource", (resources.ModelResource,), {**columns, "Meta": Meta})()
