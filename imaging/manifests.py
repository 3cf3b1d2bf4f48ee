"""A table that says whose film each file of a folder is: a column `file`, the patient as in every table, and what else
is known of it."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.cells import TextCell
from backoffice.exchange.columns import ExchangeField, Row
from backoffice.exchange.headers import match_columns
from backoffice.exchange.outcome import Outcome
from backoffice.exchange.reading import UnreadableFileError, read_table
from backoffice.exchange.table import Table
from backoffice.formats.lists import in_turn
from clinic.models import Patient
from clinic.resources import patient_columns
from imaging import whose
from imaging.models import XRayImage

DETAILS = ("view", "taken_on", "notes")
LONGEST_PATH = 1000


class UnreadableManifestError(Exception):
    """What is wrong with the table as a whole, and what to do."""


@dataclass(frozen=True)
class Named:
    """What the manifest says of a file: whose it is and `details` of the film, or why that cannot be told."""

    patient: Patient | None = None
    details: dict[str, Any] = field(default_factory=dict)
    refusal: str = ""


class FileResource(patient_columns.NamesPatient):
    """The columns of a manifest. Nothing is imported by it: it reads cells."""

    file = ExchangeField(
        "file", "file", TextCell(LONGEST_PATH, example="A123456789/film.dcm"), title=gettext_lazy("file"), required=True
    )

    class Meta(ExchangeResource.Meta):
        model = XRayImage
        fields = ["file", patient_columns.NATIONAL_ID, patient_columns.NAME, patient_columns.BORN, *DETAILS]
        import_id_fields = ["file"]

    def key_columns(self, columns: Iterable[str]) -> list[str]:
        by_name = [patient_columns.NAME, patient_columns.BORN]
        return ["file", *([patient_columns.NATIONAL_ID] if patient_columns.NATIONAL_ID in columns else by_name)]


def read(path: Path) -> dict[str, Named]:
    """What the manifest says of each file, by its path within the folder as `spelt` writes it.

    Raises UnreadableManifestError, and OSError.
    """
    resource = FileResource()
    with path.open("rb") as file:
        try:
            rows = _rows(resource, read_table(file, path.name))
        except UnreadableFileError as error:
            raise UnreadableManifestError(str(error)) from error
    keys: dict[int, tuple | None] = {}
    named: dict[str, Named] = {}
    for row in rows:
        try:
            keys[row.line] = patient_columns.key_of_row(resource.fields, row)
        except ValidationError as error:
            named[_file(row)] = _refused(row, error)
    known = patient_columns.Patients(filter(None, keys.values()), rows[0]) if rows else None
    lines: dict[str, int] = {}
    for row in rows:
        name = _file(row)
        if name in lines:
            told = _("The manifest names it twice, in lines %(first)d and %(second)d. Keep one of them.")
            named[name] = Named(refusal=told % {"first": lines[name], "second": row.line})
        elif row.line in keys and known is not None:
            named[name] = _named(resource, row, known, keys[row.line])
        lines.setdefault(name, row.line)
    return named


def spelt(path: str) -> str:
    """A file's path within the folder in one spelling: some systems write names decomposed, and paths backwards."""
    return unicodedata.normalize("NFC", path.replace("\\", "/")).removeprefix("./")


def _rows(resource: FileResource, table: Table) -> list[Row]:
    outcome = Outcome()
    names = match_columns(resource, table, outcome)
    if outcome.errors:
        raise UnreadableManifestError(
            in_turn(text for error in outcome.errors for text in (error.problem, error.remedy) if text)
        )
    rows = []
    for line, cells in table:
        row = Row({names[header]: text for header, text in cells.items() if header in names})
        row.line = line
        if row.get("file", "").strip():
            rows.append(row)
    return rows


def _file(row: Row) -> str:
    return spelt(row["file"].strip())


def _named(resource: FileResource, row: Row, known: patient_columns.Patients, key: tuple | None) -> Named:
    try:
        patient = known.get(key)
        details = {name: value for name in DETAILS if name in row and (value := _detail(resource.fields[name], row))}
        if (day := details.get("taken_on")) and (why := whose.impossible_day(day, patient)):
            raise ValidationError(why)
    except ValidationError as error:
        return _refused(row, error)
    return Named(patient, details)


def _detail(column: ExchangeField, row: Row) -> Any:
    try:
        return column.clean(row)
    except ValidationError as error:
        told = {"column": column.column_name, "value": row[column.column_name], "why": in_turn(error.messages)}
        raise ValidationError(_("%(column)s is “%(value)s”. %(why)s") % told) from error


def _refused(row: Row, error: ValidationError) -> Named:
    told = {"line": row.line, "why": in_turn(error.messages)}
    return Named(refusal=_("Line %(line)d of the manifest: %(why)s") % told)
