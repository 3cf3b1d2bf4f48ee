"""Patients and symptoms as files."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.cells import TextCell
from backoffice.exchange.columns import Row
from backoffice.formats.kept import gettext as _
from backoffice.formats.kept import ngettext
from backoffice.formats.lists import listed
from clinic.identity import could_be_a_slip, normalise_national_id
from clinic.models import Patient, Symptom
from clinic.phones import normalise_phone

NAMED = 20


class PatientResource(ExchangeResource):
    """A patient is known by the national ID; one who has none, by name and date of birth together.

    A file without the column of national IDs means patients by name and date of birth, whether they have one or not.
    """

    class Meta(ExchangeResource.Meta):
        model = Patient
        fields = ["full_name", "date_of_birth", "sex", "national_id", "phone", "email", "notes"]
        import_id_fields = ["national_id"]

    examples = {
        "full_name": "Lin Mei-ling",
        "date_of_birth": "1984-05-02",
        "national_id": "A123456789",
        "phone": "0912 345 678",
        "email": "lin@example.org",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields["national_id"].widget = TextCell(
            20, normalise=normalise_national_id, remedy=_("The number on the ID card, residence permit or passport.")
        )
        self.fields["phone"].widget = TextCell(
            30,
            normalise=normalise_phone,
            remedy=_("A phone number, such as 0912 345 678, 02-2345-6789 #12 or +44 20 7946 0958."),
        )
        self._doubtful: list[int] = []

    def key_columns(self, columns: Iterable[str]) -> list[str]:
        return ["national_id"] if "national_id" in columns else ["full_name", "date_of_birth"]

    def naming_columns(self, row: Row) -> list[str]:
        return ["national_id"] if row.get("national_id", "").strip() else ["full_name", "date_of_birth"]

    def key_of_row(self, row: Row) -> tuple | None:
        try:
            national_id = self.fields["national_id"].clean(row) if "national_id" in row else ""
            if national_id:
                return (national_id,)
            return self.fields["full_name"].clean(row), self.fields["date_of_birth"].clean(row)
        except (KeyError, ValidationError):
            return None  # importing the row says what is wrong with it, or missing

    def key_of(self, patient: Patient, row: Row) -> tuple:
        if "national_id" in row and patient.national_id:
            return (patient.national_id,)
        return patient.full_name, patient.date_of_birth

    def candidates(self, rows: Sequence[Row]) -> QuerySet[Patient]:
        ids = [row.key[0] for row in rows if row.key and len(row.key) == 1]
        names = [row.key[0] for row in rows if row.key and len(row.key) == 2]
        return self.get_queryset().filter(Q(national_id__in=ids) | Q(full_name__in=names))

    def save_instance(self, instance: Patient, is_create: bool, row: Row, **kwargs: Any) -> None:
        super().save_instance(instance, is_create, row, **kwargs)
        if is_create and could_be_a_slip(instance.national_id):
            self._doubtful.append(row.line)

    def doubts(self) -> Iterable[str]:
        if self._doubtful:
            lines = listed(self._doubtful[:NAMED])
            yield ngettext(
                "%(n)d new patient’s number lacks a digit of a card’s, and is taken for a passport’s: line %(lines)s.",
                "%(n)d new patients’ numbers lack a digit of a card’s, and are taken for passports’: lines %(lines)s.",
                len(self._doubtful),
            ) % {"n": len(self._doubtful), "lines": lines if len(self._doubtful) <= NAMED else f"{lines}, …"}

    def remedy_for_twins(self, row: Row) -> str:
        if self.naming_columns(row) == ["national_id"]:
            return super().remedy_for_twins(row)
        return _(
            "If they are one person, keep one of the lines. If they are two, such as twins, give at least one of "
            "them a national ID, or take one out and add that person on the patients' page."
        )

    def ambiguous(self, row: Row, count: int) -> str:
        return _(
            "%(count)d patients have this name and date of birth. Add the national ID that is on file for the one who "
            "is meant; where there is none, change that patient on their page, and take this line out."
        ) % {"count": count}


class SymptomResource(ExchangeResource):
    """A symptom is known by its name, hidden or not: the name is taken either way."""

    class Meta(ExchangeResource.Meta):
        model = Symptom
        fields = ["name", "name_other", "position", "is_active"]
        import_id_fields = ["name"]

    examples = {"name": "cough", "name_other": "咳嗽", "position": "1"}

    def get_queryset(self) -> QuerySet:
        return Symptom.objects.all()

    def check(self, symptom: Symptom, excluded: set[str]) -> None:
        if symptom.is_hidden:
            raise ValidationError(
                {
                    "name": _(
                        "A hidden symptom has this name. Restore it in the list of symptoms, or choose another name."
                    )
                }
            )
        super().check(symptom, excluded)
