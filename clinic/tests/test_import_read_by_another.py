"""Who looks at an import may speak another language than who brought the file: what it tells is in theirs."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker
from openpyxl import Workbook

from backoffice.imports import runs
from backoffice.models import TableImport
from backoffice.tests.languages import CHINESE, ENGLISH, said
from clinic import booking
from clinic.models import Patient
from clinic.tests.clinics import session_today
from clinic.tests.tables import csv_of

pytestmark = pytest.mark.django_db

# The columns' stable names, as the files have them, and an example.
NAMES = {"Collimator", "Riverside Clinic", "sex", "email", "notes", "date", "period", "status", "symptoms", "hours"}
NAMES |= {"weekday", "capacity", "minimum", "maximum", "text"}
NAMES |= {"name", "position", "username", "roles", "administrators", "phone", "reference"}
NAMES |= {"female", "male", "lin", "unknown", "morning", "afternoon", "evening", "booked", "called", "done"}

PEOPLE = ["full_name", "date_of_birth", "sex", "national_id", "phone", "email", "notes"]
BOOKINGS = ["reference", "patient_full_name", "patient_date_of_birth", "date", "period", "queue_number", "status"]
FILES = {
    "cells": (
        "patient",
        PEOPLE,
        [["", "1", "2", "3", "4", "5", "6"], ["7", "3/4/1980", "1", "A1", "1E+9", "", "\x07"]],
    ),
    "days": (
        "patient",
        PEOPLE,
        [["7", day, "1", "", "", "", ""] for day in ("1700-01-01", "2999-01-01", "1990-02-31")],
    ),
    "twins": ("patient", PEOPLE[:3], [["7", "1980-01-01", "1"], ["7", "1980-01-01", "1"]]),
    "too wide": ("patient", PEOPLE[:3], [["7", "1980-01-01", "1", "8"], ["7"]]),
    "columns": ("patient", ["full_nam", "sex", "SEX", "9"], [["1", "2", "3", "4"]]),
    "no column": ("patient", ["1", "2"], [["1", "2"]]),
    "key missing": ("patient", ["full_name", "sex"], [["1", "2"]]),
    "new ones": ("patient", ["full_name", "date_of_birth"], [["7", "1980-01-01"]]),
    "empty": ("patient", PEOPLE, []),
    "bookings": (
        "appointment",
        BOOKINGS,
        [["", "7", "1980-01-01", "1", "2", "3", "4"], ["-", "", "", "", "", "x", ""]],
    ),
    "hours": ("openinghours", ["weekday", "period", "hours", "capacity"], [["1", "2", "3", "4"], ["", "", "9-8", "a"]]),
    "symptoms": ("symptom", ["name", "position"], [["1" * 200, "x"], ["", "1.5"]]),
    "questions": ("numericquestion", ["text", "minimum", "maximum"], [["1", "1,500", "x"], ["2", "9", "3"]]),
}
READ_BY = pytest.mark.parametrize(
    ("written_in", "read_in", "others"),
    [("en", "zh-hant", ENGLISH), ("zh-hant", "en", CHINESE)],
    ids=["in Chinese", "in English"],
)


@pytest.fixture
def speaking(client, administrator):
    def speaking(language: str):
        administrator.language = language
        administrator.save()
        client.force_login(administrator)
        return client

    return speaking


def bring(client, table: str, file) -> str:
    """The address of what became of it."""
    page = client.post(reverse(f"admin:clinic_{table}_import"), {"file": file}, follow=True)
    return page.redirect_chain[-1][0]


@READ_BY
@pytest.mark.parametrize("kind", FILES)
def test_what_is_wrong_with_a_file_is_told_in_the_readers_language(speaking, kind, written_in, read_in, others):
    table, columns, rows = FILES[kind]
    address = bring(speaking(written_in), table, csv_of(*rows, columns=columns))
    page = speaking(read_in).get(address)
    assert page.context["outcome"].errors or page.context["outcome"].preview
    assert said(page.text, others, NAMES) == set()
    if page.context["outcome"].errors:
        problems = b"".join(speaking(read_in).get(page.context["problems_url"]).streaming_content).decode("utf-8-sig")
        assert set(others.findall(problems)) - NAMES == set()


@READ_BY
def test_what_a_file_would_change_is_told_in_the_readers_language(speaking, written_in, read_in, others):
    Patient.objects.create(full_name="7", date_of_birth="1980-01-01", sex="male")
    address = bring(speaking(written_in), "patient", csv_of(["7", "1980-01-01", "female", ""]))
    page = speaking(read_in).get(address)
    assert said(page.text, others, NAMES - {"male", "female"} if read_in == "zh-hant" else NAMES) == set()


@READ_BY
def test_hours_that_people_have_booked_are_told_in_the_readers_language(speaking, written_in, read_in, others):
    """With the day and the period of the session, and everybody's name."""
    booking.book(session_today(), baker.make(Patient, full_name="7"), by=None)
    columns = ["weekday", "period", "hours", "capacity", "is_open"]
    row = [timezone.localdate().weekday(), "morning", "09:00-12:00", "3", "no"]
    address = bring(speaking(written_in), "openinghours", csv_of(row, columns=columns))
    page = speaking(read_in).get(address)
    assert said(page.text, others, NAMES | {"no"}) == set()


@READ_BY
def test_a_workbook_that_a_child_has_read_is_told_of_in_the_readers_language(speaking, written_in, read_in, others):
    book, file = Workbook(), io.BytesIO()
    book.active.title = "1"
    book.active.append(["full_name", "date_of_birth", "sex"])
    book.active.append(["7", "1980-01-01", "1"])
    book.active.append(["=1+1", "1980-01-01", "1"])
    book.create_sheet("2")
    book.save(file)
    file = SimpleUploadedFile("patients.xlsx", file.getvalue())
    address = bring(speaking(written_in), "patient", file)
    page = speaking(read_in).get(address)
    assert page.context["outcome"].notes
    assert page.context["outcome"].errors
    assert said(page.text, others, NAMES) == set()


@READ_BY
def test_why_an_import_failed_is_told_in_the_readers_language(speaking, settings, written_in, read_in, others):
    address = bring(speaking(written_in), "patient", csv_of(["7", "1980-01-01", "female", ""]))
    row = TableImport.objects.get()
    TableImport.objects.update(status=TableImport.Status.TO_WRITE, confirmed_by=row.uploaded_by, attempts=0)
    row.file.storage.delete(row.file.name)
    row.file.storage.save(row.file.name, io.BytesIO(b"another"))
    runs.run(runs.claim(row.pk))
    row.refresh_from_db()
    assert row.status == TableImport.Status.FAILED
    for page in (speaking(read_in).get(address), speaking(read_in).get(reverse("admin:index"))):
        assert said(page.text, others, NAMES) == set()


@READ_BY
def test_an_import_that_is_kept_as_it_was_before_is_still_shown(speaking, written_in, read_in, others):
    address = bring(speaking(written_in), "patient", csv_of(["7", "1990-02-31", "female", ""]))
    row = TableImport.objects.get()
    [error] = row.details["errors"]
    row.details["errors"] = [{**error, "problem": "As it was said then.", "remedy": "", "column": "3"}]
    row.outcome["notes"] = ["A note."]
    row.save()
    page = speaking(read_in).get(address)
    assert "As it was said then." in page.text
    assert "A note." in page.text
