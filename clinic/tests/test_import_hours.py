"""Opening hours from a file, typed as people type them."""

import datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.imports import runs
from backoffice.models import TableImport
from clinic.models import OpeningHours
from clinic.tests.clinics import visit
from clinic.tests.tables import key_in, upload

pytestmark = pytest.mark.django_db

IMPORT = reverse("admin:clinic_openinghours_import")
CONFIRM = reverse("admin:clinic_openinghours_process_import")
COLUMNS = ["weekday", "period", "hours", "capacity", "is_open"]


def upload_hours(client, *rows, columns=COLUMNS):
    return upload(client, *rows, url=IMPORT, columns=columns, name="hours.csv")


def confirm(client, page):
    return client.post(CONFIRM, {"key": key_in(page), "decision": "all"}, follow=True)


def test_full_width_digits_and_tildes_are_read(admin_client):
    page = upload_hours(
        admin_client,
        ["Monday", "morning", "０９：００～１２：３０", "１０", "yes"],
        ["星期二", "afternoon", "14:00〜17:30", "8", "是"],
        ["Thu", "evening", "18:00-21:00", "5", "no"],
    )
    assert not OpeningHours.objects.exists()
    confirm(admin_client, page)
    found = {(row.get_weekday_display(), row.period): row for row in OpeningHours.objects.all()}
    monday = found["Monday", "morning"]
    assert (monday.opens_at, monday.closes_at) == (datetime.time(9), datetime.time(12, 30))
    assert (monday.capacity, monday.is_open) == (10, True)
    tuesday = found["Tuesday", "afternoon"]
    assert (tuesday.opens_at, tuesday.closes_at, tuesday.is_open) == (datetime.time(14), datetime.time(17, 30), True)
    assert not found["Thursday", "evening"].is_open


@pytest.mark.parametrize("typed", ["12.0", "１２", "12\u200b", "12,00"])
def test_places_are_read_by_the_rule_of_the_form(admin_client, typed):
    confirm(admin_client, upload_hours(admin_client, ["Monday", "morning", "09:00-12:00", typed, "yes"]))
    assert OpeningHours.objects.get().capacity == 12


@pytest.mark.parametrize(
    ("row", "column", "value", "remedy"),
    [
        (["Monday", "morning", "nine to noon", "10", "yes"], "hours", "nine to noon", "such as 09:00-12:00"),
        (["Monday", "morning", "12:00-09:00", "10", "yes"], "hours", "12:00-09:00", "such as 09:00-12:00"),
        (["Moonday", "morning", "09:00-12:00", "10", "yes"], "weekday", "Moonday", "Monday, Tuesday"),
        (["Monday", "brunch", "09:00-12:00", "10", "yes"], "period", "brunch", "morning, afternoon, evening"),
        (["Monday", "morning", "09:00-12:00", "many", "yes"], "capacity", "many", "whole number"),
        (["Monday", "morning", "09:00-12:00", "10", "perhaps"], "is_open", "perhaps", "yes or no"),
    ],
)
def test_nonsense_is_told_by_line_column_and_value_with_what_to_write(admin_client, row, column, value, remedy):
    page = upload_hours(admin_client, ["Sunday", "morning", "09:00-12:00", "10", "yes"], row)
    [error] = page.context["outcome"].errors
    assert (error.line, error.column, error.value) == (3, column, value)
    assert remedy in error.remedy
    assert error.problem in page.text.replace("&#x27;", "'").replace("&quot;", '"')
    assert 'value="all"' not in page.text
    assert not OpeningHours.objects.exists()


def test_hours_in_which_people_are_booked_are_not_taken_away_by_a_file(admin_client, hours, session):
    booked = visit(session)
    weekday = session.date.strftime("%A")
    page = upload_hours(admin_client, [weekday, "morning", "no"], columns=["weekday", "period", "is_open"])
    assert f"1 person has booked what this line takes away: {session}: 1 {booked.patient.full_name}." in page.text
    assert 'value="all"' not in page.text
    session.refresh_from_db()
    assert session.is_open


def test_whoever_books_after_the_check_keeps_the_file_out(admin_client, hours, session):
    weekday = session.date.strftime("%A")
    page = upload_hours(admin_client, [weekday, "morning", "no"], columns=["weekday", "period", "is_open"])
    booked = visit(session)
    page = confirm(admin_client, page)
    assert "The data has changed since the file was checked" in page.text
    assert booked.patient.full_name in page.text
    session.refresh_from_db()
    assert (session.is_open, OpeningHours.objects.filter(is_open=False).count()) == (True, 0)


def test_lines_that_cannot_stand_together_cannot_be_confirmed(admin_client):
    page = upload_hours(
        admin_client,
        ["Monday", "morning", "09:00-12:00", "10", "yes"],
        ["Monday", "afternoon", "11:00-15:00", "10", "yes"],
    )
    assert "This overlaps with Monday morning 09:00–12:00" in page.text
    assert 'value="all"' not in page.text
    assert 'value="good"' not in page.text


def test_what_is_exported_is_recognised_again(admin_client, hours):
    export = reverse("admin:clinic_openinghours_export")
    response = admin_client.post(export, {"file_format": "csv", "columns": COLUMNS})
    content = b"".join(response.streaming_content)
    page = admin_client.post(IMPORT, {"file": SimpleUploadedFile("hours.csv", content)}, follow=True)
    assert page.context["outcome"].unchanged == len(hours)


def test_who_cancels_a_file_that_is_being_checked_waits_for_nothing_and_the_check_ends_by_itself(admin_client):
    page = upload_hours(admin_client, ["Monday", "morning", "09:00-12:00", "10", "yes"])
    TableImport.objects.update(status=TableImport.Status.TO_CHECK)
    row = runs.claim()
    with CaptureQueriesContext(connection) as asked:
        admin_client.post(CONFIRM, {"key": key_in(page), "decision": "cancel"})
    assert not [query["sql"] for query in asked if query["sql"].startswith('UPDATE "backoffice_tableimport"')]
    runs.run(row)
    row.refresh_from_db()
    assert row.status == TableImport.Status.CANCELLED
