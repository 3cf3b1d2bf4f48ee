"""Reports as files, with the opinions that they were written from: for administrators, and only out."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.cells import ChoiceCell, DayCell, TextCell, cell_for
from backoffice.exchange.columns import ExchangeField
from backoffice.records.relations import field_of
from inference.models import Diagnosis, Prediction, Report


class PatientsColumn(ExchangeField):
    """Nothing of a patient who is hidden."""

    def export(self, instance: Any, **kwargs: Any) -> str:
        return "" if instance.prediction.xray.patient.is_hidden else super().export(instance, **kwargs)


def of_the_opinion(name: str) -> ExchangeField:
    field = field_of(Prediction, name)
    cell = ChoiceCell(Diagnosis.choices) if field.choices == Diagnosis.choices else cell_for(field)
    return ExchangeField(f"prediction__{name}", name, cell, title=field.verbose_name, readonly=True)


class ReportResource(ExchangeResource):
    """A report is known by its film and its version."""

    film = ExchangeField(
        "prediction__xray__sha256", "sha256", TextCell(64), title=_("SHA-256 of the file"), readonly=True
    )
    patient_full_name = PatientsColumn(
        "prediction__xray__patient__full_name", "patient_full_name", TextCell(120), title=_("patient's full name")
    )
    patient_date_of_birth = PatientsColumn(
        "prediction__xray__patient__date_of_birth",
        "patient_date_of_birth",
        DayCell(),
        title=_("patient's date of birth"),
    )
    diagnosis, confidence, verdict, final_diagnosis, reviewed_at = map(
        of_the_opinion, ("diagnosis", "confidence", "verdict", "final_diagnosis", "reviewed_at")
    )

    class Meta(ExchangeResource.Meta):
        model = Report
        fields = [
            "film", "patient_full_name", "patient_date_of_birth", "diagnosis", "confidence", "verdict",
            "final_diagnosis", "reviewed_at", "version", "status", "language", "body", "amendment", "published_at",
            "withdrawn_at", "withdrawn_because",
        ]  # fmt: skip
        import_id_fields = ["version"]

    def for_export(self, queryset: QuerySet) -> QuerySet:
        return super().for_export(queryset).select_related("prediction__xray__patient")
