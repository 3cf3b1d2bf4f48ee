"""Picture files whose truth is known: a folder for each diagnosis, or a table of files and diagnoses. For commands."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import override

from backoffice.formats.lists import listed
from inference.models import Diagnosis

SUFFIXES = {".png", ".jpg", ".jpeg", ".dcm"}
FILE, DIAGNOSIS, PATIENT = "file", "diagnosis", "patient"


class UnclearError(Exception):
    """What is where cannot be told. The message says what is wrong, and what to do."""


@dataclass(frozen=True)
class Labelled:
    """`patient` is whose it is; where nobody says so, each file counts as another person's."""

    path: Path
    diagnosis: str
    patient: str


def read(source: Path) -> list[Labelled]:
    """What a folder or a CSV table names. Raises UnclearError."""
    found = list(_of_table(source) if source.is_file() else _of_folder(source))
    if not found:
        raise UnclearError(_("%(source)s holds no pictures of the four diagnoses.") % {"source": source})
    return found


def _of_folder(folder: Path) -> Iterator[Labelled]:
    if not folder.is_dir():
        raise UnclearError(_("%(source)s is no folder and no table.") % {"source": folder})
    for below in sorted(one for one in folder.iterdir() if one.is_dir()):
        diagnosis = named(below.name)
        for path in sorted(below.rglob("*")) if diagnosis else []:
            if path.suffix.lower() in SUFFIXES:
                yield Labelled(path, diagnosis, str(path))


def _of_table(table: Path) -> Iterator[Labelled]:
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if lacking := {FILE, DIAGNOSIS} - set(rows.fieldnames or ()):
            told = {"source": table, "columns": listed(sorted(lacking))}
            raise UnclearError(_("%(source)s lacks the columns: %(columns)s. Its first row names them.") % told)
        for number, row in enumerate(rows, start=2):
            diagnosis = named(row[DIAGNOSIS] or "")
            if not diagnosis:
                told = {"row": number, "said": row[DIAGNOSIS], "known": listed(Diagnosis.values)}
                raise UnclearError(_("Row %(row)d: %(said)s is none of the diagnoses %(known)s.") % told)
            path = table.parent / (row[FILE] or "")
            yield Labelled(path, diagnosis, row.get(PATIENT) or str(path))


def named(text: str) -> str:
    """The diagnosis of that name, in either language, however it is hyphenated; "" for none."""
    for diagnosis in Diagnosis:
        names = {diagnosis.value, *(str(_in(language, diagnosis)) for language in ("en", "zh-hant"))}
        if slugify(text, allow_unicode=True) in {slugify(name, allow_unicode=True) for name in names}:
            return diagnosis.value
    return ""


def _in(language: str, diagnosis: Diagnosis) -> str:
    with override(language):
        return str(diagnosis.label)
