"""Columns that say whose a record is, by what a patient is known by."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.cells import DayCell, TextCell
from backoffice.exchange.columns import ExchangeField, Row
from backoffice.formats.kept import gettext as _
from clinic.identity import normalise_national_id
from clinic.models import Patient
from clinic.spelling import normalise_name

NATIONAL_ID, NAME, BORN = "patient_national_id", "patient_full_name", "patient_date_of_birth"


class PatientColumn(ExchangeField):
    """One of three columns that name a patient together. Which one that is, the resource finds out."""

    model_fields = ("patient",)
    may_be_empty = False  # whether it may, the other two say

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, help_text=gettext_lazy("As it stands in the patient's record."), **kwargs)

    def save(self, instance: models.Model, row: Row, is_m2m: bool = False, **kwargs: Any) -> None:
        """The patient is set as a whole: see Patients."""

    def export(self, instance: Any, **kwargs: Any) -> str:
        if not instance.patient.is_hidden:
            return super().export(instance, **kwargs)
        return instance.patient.name_for(None) if self.column_name == NAME else ""


class NamesPatient(ExchangeResource):
    """The base of tables whose rows are a patient's."""

    patient_national_id = PatientColumn(
        "patient__national_id",
        NATIONAL_ID,
        TextCell(20, normalise=normalise_national_id, example="A123456789"),
        title=gettext_lazy("patient's national ID"),
        empty="",
    )
    patient_full_name = PatientColumn(
        "patient__full_name",
        NAME,
        TextCell(120, normalise=normalise_name, example="Lin Mei-ling"),
        title=gettext_lazy("patient's full name"),
        empty="",
    )
    patient_date_of_birth = PatientColumn(
        "patient__date_of_birth",
        BORN,
        DayCell(),
        title=gettext_lazy("patient's date of birth"),
        empty=None,
    )


Key = tuple


def key_of_row(fields: Mapping[str, ExchangeField], row: Row) -> Key | None:
    """What names the patient in this row: the national ID, else name and date of birth. None where neither is there.

    Raises ValidationError where a cell cannot be read.
    """
    national_id = fields[NATIONAL_ID].clean(row) if NATIONAL_ID in row else ""
    if national_id:
        return (national_id,)
    if NAME not in row or BORN not in row:
        return None
    named = fields[NAME].clean(row), fields[BORN].clean(row)
    return named if all(named) else None


def key_of(patient: Patient, row: Row) -> Key:
    """The key by which rows of this file name the patient."""
    if NATIONAL_ID in row and patient.national_id:
        return (patient.national_id,)
    return patient.full_name, patient.date_of_birth


class Patients:
    """The visible patients that some rows name, read in one query."""

    def __init__(self, keys: Iterable[Key], row: Row) -> None:
        self._keys = set(keys)
        ids = [key[0] for key in self._keys if len(key) == 1]
        names = [key[0] for key in self._keys if len(key) == 2]
        self._found: dict[Key, list[Patient]] = {}
        for patient in Patient.objects.visible().filter(Q(national_id__in=ids) | Q(full_name__in=names)):
            self._found.setdefault(key_of(patient, row), []).append(patient)

    def pks(self) -> set[int]:
        return {patient.pk for key in self._keys for patient in self._found.get(key, [])}

    def get(self, key: Key | None) -> Patient:
        """Raises ValidationError where nobody or several are named so."""
        if key is None:
            raise ValidationError(
                _("This line names no patient. Give the national ID, or full name and date of birth."), code="required"
            )
        found = self._found.get(key, [])
        if not found:
            raise ValidationError(
                _("There is no such patient. Import the patients first, or look for a typing mistake.")
            )
        if len(found) > 1:
            raise ValidationError(
                _(
                    "%(count)d patients have this name and date of birth. Add the national ID that is on file for the "
                    "one who is meant; where there is none, note it on that patient's page first."
                )
                % {"count": len(found)}
            )
        return found[0]
