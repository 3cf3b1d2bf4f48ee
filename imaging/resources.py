"""What is known of X-rays beside the picture, as files. Pictures come in by the upload page and by `import_xrays`."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.cells import TextCell
from backoffice.exchange.columns import Row
from backoffice.formats.kept import gettext as _
from clinic.resources import patient_columns
from imaging.models import XRayImage


class XRayResource(patient_columns.NamesPatient):
    """A film is known by its patient and the SHA-256 of its file. One that was not uploaded is refused."""

    class Meta(ExchangeResource.Meta):
        model = XRayImage
        fields = [
            "sha256",
            "patient_full_name",
            "patient_date_of_birth",
            "patient_national_id",
            "view",
            "taken_on",
            "notes",
        ]
        import_id_fields = ["sha256"]

    examples = {"sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields["sha256"].widget = TextCell(
            64, normalise=str.lower, remedy=_("The film's SHA-256: 64 signs, as an export of the films gives them.")
        )

    def key_columns(self, columns: Iterable[str]) -> list[str]:
        named = (
            [patient_columns.NATIONAL_ID]
            if patient_columns.NATIONAL_ID in columns
            else [patient_columns.NAME, patient_columns.BORN]
        )
        return ["sha256", *named]

    def key_of_row(self, row: Row) -> tuple | None:
        try:
            patient = patient_columns.key_of_row(self.fields, row)
            return patient and (self.fields["sha256"].clean(row), *patient)
        except ValidationError:
            return None

    def key_of(self, xray: XRayImage, row: Row) -> tuple:
        return xray.sha256, *patient_columns.key_of(xray.patient, row)

    def candidates(self, rows: Sequence[Row]) -> QuerySet:
        return super().candidates(rows).select_related("patient")

    def check(self, xray: XRayImage, excluded: set[str]) -> None:
        if self.row.is_new:
            raise ValidationError(
                {
                    "sha256": _(
                        "This patient has no film with this SHA-256. Upload the film first, and import this again."
                    )
                }
            )
        super().check(xray, excluded)

    def for_export(self, queryset: QuerySet) -> QuerySet:
        return super().for_export(queryset).select_related("patient")
