"""From a file to patients, by the pages that administrators use."""

import datetime
import errno
import io
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker
from openpyxl import Workbook, load_workbook

from backoffice.imports import cleanup, runs, uploads
from backoffice.models import AccessEvent, TableImport
from backoffice.web.media import PrivateStorage
from clinic.models import Patient
from clinic.tests.tables import CONFIRM, HSIAO_MING, IMPORT, MEI_LING, PATIENT_COLUMNS, WRONG, key_in, many, upload

pytestmark = pytest.mark.django_db


def confirm(client, page, decision="all"):
    return client.post(CONFIRM, {"key": key_in(page), "decision": decision}, follow=True)


def kept_files() -> list:
    return [path for path in Path(default_storage.location).rglob("*") if path.is_file()]


def test_nothing_is_written_before_somebody_says_so(admin_client, administrator, django_capture_on_commit_callbacks):
    page = upload(admin_client, MEI_LING, HSIAO_MING)
    assert "The file can be imported" in page.text
    assert "Import 2 rows" in page.text
    assert not Patient.objects.exists()

    with django_capture_on_commit_callbacks(execute=True):
        done = confirm(admin_client, page)
    assert "Confirmed by administrators" in done.text
    assert set(Patient.objects.values_list("full_name", "phone")) == {
        ("Lin Mei-ling", "+886912345678"),
        ("王小明", "0922 333 444"),
    }
    written = Patient.objects.get(full_name="王小明").history.get()
    assert (written.history_user, written.history_change_reason) == (administrator, "Imported from patients.csv")
    assert kept_files() == []


@pytest.mark.parametrize("fails", [PrivateStorage, TableImport])
def test_a_table_for_which_there_is_no_room_is_refused_so_and_leaves_nothing(admin_client, monkeypatch, fails):
    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fails, "_sync" if fails is PrivateStorage else "save", full)
    page = upload(admin_client, MEI_LING)
    assert page.status_code == 200
    assert "There is no room left on the disk, and nothing of it was kept." in page.context["form"].errors["file"][0]
    assert kept_files() == []
    assert not TableImport.objects.exists()


def test_a_check_for_which_there_is_no_room_says_so(admin_client, monkeypatch):
    monkeypatch.setattr(uploads, "SMALL", 0)
    page = upload(admin_client, MEI_LING, HSIAO_MING)
    with open("/dev/full", "w+b") as disk:
        monkeypatch.setattr("backoffice.sealing.files.TemporaryFile", lambda: disk)
        runs.run_waiting()
    assert "There is no room left on the disk" in admin_client.get(page.request["PATH_INFO"]).text


def test_one_bad_row_keeps_all_of_them_out_and_is_told_by_line_column_value_and_remedy(admin_client):
    page = upload(admin_client, MEI_LING, WRONG)
    for words in ("The file has errors", ">3<", "date_of_birth", "1990-02-31", "There is no such day", "such as 2026-"):
        assert words in page.text
    assert "Import 1 row" not in page.text
    refused = admin_client.post(CONFIRM, {"key": key_in(page), "decision": "all"})
    assert refused.status_code == 409
    assert not Patient.objects.exists()


def test_columns_that_do_not_fit_are_told_at_their_line_and_no_row_is_counted(admin_client):
    file = SimpleUploadedFile("p.csv", b"\n\nfull_nam,date_of_birth,sex\nA,1980-01-01,male\n")
    page = admin_client.post(IMPORT, {"file": file}, follow=True)
    assert {error.line for error in page.context["outcome"].errors} == {3}
    assert "exchange-counts" not in page.text


def test_the_good_rows_are_imported_alone_where_somebody_says_so(admin_client):
    page = upload(admin_client, MEI_LING, WRONG)
    assert "Import the good row, leave out 1" in page.text
    done = confirm(admin_client, page, "good")
    assert "left out" in done.text
    assert "1990-02-31" in done.text
    assert Patient.objects.get().full_name == "Lin Mei-ling"


def test_errors_can_be_taken_along_as_a_file_that_runs_no_formula(admin_client):
    page = upload(admin_client, MEI_LING, ["Chen", "=HYPERLINK(1)", "male", ""])
    problems = admin_client.get(page.context["problems_url"])
    lines = b"".join(problems.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[1].startswith("3,date_of_birth,'=HYPERLINK(1),")
    assert AccessEvent.objects.get(action=AccessEvent.Action.DOWNLOAD).target == TableImport.objects.get()


def test_what_changes_is_shown_before_and_after_with_whose_record_it_is(admin_client):
    baker.make(Patient, full_name="王小明", date_of_birth="1990-01-31", sex="male", phone="0911", national_id="")
    page = upload(admin_client, HSIAO_MING, MEI_LING)
    assert "<del>0911</del> → <ins>0922 333 444</ins>" in page.text
    changed, new = page.context["outcome"].preview
    assert (changed.record, new.record) == ("王小明", "")
    assert "</span> 王小明</td>" in page.text
    assert [page.context["outcome"].new, page.context["outcome"].updated] == [1, 1]


def test_the_same_file_again_changes_nothing_and_offers_nothing(admin_client):
    confirm(admin_client, upload(admin_client, MEI_LING))
    page = upload(admin_client, MEI_LING)
    assert "The file changes nothing" in page.text
    assert 'value="all"' not in page.text


def test_what_cannot_be_read_is_answered_on_the_spot_and_not_kept(admin_client):
    for content, words in ((b"", "empty"), (b"full_name\n\xff\xfe", "UTF-8"), (b"PK\x03\x04junk", "workbook")):
        page = admin_client.post(IMPORT, {"file": SimpleUploadedFile("patients.csv", content)})
        assert page.status_code == 200
        assert words in page.text
    assert "Choose a file first" in admin_client.post(IMPORT).text
    assert not TableImport.objects.exists()
    assert kept_files() == []


def test_a_workbook_with_a_formula_is_refused_by_its_cell_and_not_kept(admin_client):
    book = Workbook()
    book.active.append(["full_name", "date_of_birth", "sex"])
    book.active.append(["=1+1", "1990-01-31", "male"])
    file = io.BytesIO()
    book.save(file)
    page = admin_client.post(IMPORT, {"file": SimpleUploadedFile("p.xlsx", file.getvalue())}, follow=True)
    assert page.status_code == 200
    [error] = page.context["outcome"].errors
    assert (error.line, error.column, error.value) == (2, "full_name", "=1+1")
    assert "Cell A2 holds a formula" in error.problem
    assert "paste it as values" in error.remedy
    assert 'value="all"' not in page.text


def test_of_a_file_that_cannot_be_read_to_its_end_no_row_is_offered(admin_client):
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in [PATIENT_COLUMNS, *many(uploads.SMALL + 1), ["=1+1", "1990-01-31", "male", ""]]:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    page = admin_client.post(IMPORT, {"file": SimpleUploadedFile("p.xlsx", file.getvalue())}, follow=True)
    runs.run_waiting()
    page = admin_client.get(page.request["PATH_INFO"])
    assert page.context["outcome"].new == uploads.SMALL  # as far as it was read
    assert "Import the" not in page.text
    assert admin_client.post(CONFIRM, {"key": key_in(page), "decision": "good"}).status_code == 409


def test_what_was_exported_as_a_workbook_is_recognised_on_the_spot(admin_client):
    """Such a workbook does not say how many rows it has."""
    baker.make(Patient, full_name="王小明", date_of_birth="1990-01-31", phone="+886912", national_id="")
    export = {"file_format": "xlsx", "columns": ["full_name", "date_of_birth", "sex", "phone"]}
    response = admin_client.post(reverse("admin:clinic_patient_export"), export)
    file = SimpleUploadedFile("patients.xlsx", b"".join(response.streaming_content))
    page = admin_client.post(IMPORT, {"file": file}, follow=True)
    assert page.context["outcome"].unchanged == 1


def test_the_template_has_every_column_and_no_row(admin_client):
    columns = [column.name for column in admin_client.get(IMPORT).context["columns"]]
    as_csv, as_xlsx = (
        b"".join(admin_client.get(reverse("admin:clinic_patient_import_template", args=[suffix])).streaming_content)
        for suffix in ("csv", "xlsx")
    )
    assert as_csv.decode("utf-8-sig").splitlines() == [",".join(columns)]
    assert [[cell.value for cell in row] for row in load_workbook(io.BytesIO(as_xlsx)).active.rows] == [columns]
    assert admin_client.get(reverse("admin:clinic_patient_import_template", args=["exe"])).status_code == 404


def test_a_preview_of_5_000_rows_stays_small_even_where_every_row_is_wrong(admin_client):
    wrong = ([name, "never", "sometimes", "x" * 500] for name, *_rest in many(5_000))
    page = upload(admin_client, *wrong)
    assert "Waiting for a worker" in page.text
    assert runs.run_waiting() == 1
    page = admin_client.get(page.request["PATH_INFO"])
    assert page.context["outcome"].refused == 5_000
    assert "The first 1,000 are listed" in page.text
    assert len(page.content) < 300_000
    last = admin_client.get(page.request["PATH_INFO"], {"problems": 40})
    assert last.context["problems"].number == 40


def test_a_page_that_asks_for_news_gets_the_part_that_changes(admin_client):
    page = upload(admin_client, *many(uploads.SMALL + 1))
    url = page.request["PATH_INFO"]
    news = admin_client.get(url, headers={"HX-Request": "true"})
    assert "hx-get" in news.text
    assert "<html" not in news.text
    runs.run_waiting()
    news = admin_client.get(url, headers={"HX-Request": "true"})
    assert "Import 2,001 rows" in news.text
    assert "hx-get" not in news.text


def test_data_that_changed_since_the_preview_is_not_written_over(admin_client):
    page = upload(admin_client, MEI_LING)
    for national_id in ("A123456789", "B123456780"):
        baker.make(Patient, full_name="Lin Mei-ling", date_of_birth="1984-05-02", national_id=national_id)
    told = confirm(admin_client, page)
    assert "The data has changed since the file was checked" in told.text
    assert "national ID" in told.text
    assert Patient.objects.count() == 2


def two_of(name: str, born: str) -> list[Patient]:
    """Two records of that name and day: a file that gives no ID cannot say which it means."""
    ids = ("A123456789", "B123456780") if name == "Lin Mei-ling" else ("C123456781", "D123456782")
    return [baker.make(Patient, full_name=name, date_of_birth=born, national_id=number) for number in ids]


def test_another_row_than_the_one_agreed_to_is_not_left_out(admin_client):
    one_too_many, _other = two_of("王小明", "1990-01-31")
    page = upload(admin_client, MEI_LING, HSIAO_MING)
    assert "leave out 1" in page.text
    Patient.objects.filter(pk=one_too_many.pk).hide(by=None, reason="written twice")
    two_of("Lin Mei-ling", "1984-05-02")
    told = confirm(admin_client, page, "good")  # one is left out, as agreed: but it is another one
    assert "The data has changed since the file was checked" in told.text
    assert not Patient.objects.filter(phone="0922 333 444").exists()


def test_a_change_over_another_value_than_was_shown_is_not_written(admin_client):
    patient = baker.make(
        Patient, full_name="Lin Mei-ling", date_of_birth="1984-05-02", sex="female", phone="0900 000 000"
    )
    page = upload(admin_client, MEI_LING)
    Patient.objects.update(phone="0911 111 111")  # somebody at the desk heard of a newer number
    told = confirm(admin_client, page)
    assert "The data has changed since the file was checked" in told.text
    assert "0911 111 111" in told.text
    confirm(admin_client, told)
    patient.refresh_from_db()
    assert patient.phone == MEI_LING[3]


def test_a_new_record_that_would_by_now_be_a_change_is_not_written(admin_client):
    page = upload(admin_client, MEI_LING)
    baker.make(Patient, full_name="Lin Mei-ling", date_of_birth="1984-05-02", sex="female", phone="0911 111 111")
    assert "The data has changed since the file was checked" in confirm(admin_client, page).text
    assert Patient.objects.get().phone == "0911 111 111"


def test_a_page_that_shows_an_older_check_confirms_nothing(admin_client):
    page = upload(admin_client, MEI_LING)
    baker.make(Patient, full_name="Lin Mei-ling", date_of_birth="1984-05-02", sex="female", phone="0911 111 111")
    confirm(admin_client, page)  # checked again, and shown elsewhere
    told = confirm(admin_client, page)
    assert (told.status_code, "The file was checked again" in told.text) == (409, True)
    assert Patient.objects.get().phone == "0911 111 111"


def test_one_import_of_a_large_file_at_a_time_so_that_mail_has_the_other_worker(admin_client):
    for _file in range(2):
        upload(admin_client, *many(uploads.SMALL + 1))
    assert runs.claim_the_only_one()
    assert runs.claim_the_only_one() is None
    assert runs.run_waiting() == 0


def test_a_file_stays_with_its_row_whatever_goes_wrong_after_it_is_kept(admin_client, administrator, monkeypatch):
    monkeypatch.setattr(uploads, "start", lambda row: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        upload(admin_client, MEI_LING)
    row = TableImport.objects.get()
    assert row.file.storage.exists(row.file.name)
    assert runs.run_waiting() == 1  # a worker finds it
    row.refresh_from_db()
    assert row.status == "checked"


def test_a_file_that_brought_its_worker_down_three_times_is_given_up(admin_client):
    page = upload(admin_client, *many(uploads.SMALL + 1))
    lapsed = timezone.now() - datetime.timedelta(seconds=1)
    TableImport.objects.update(status=TableImport.Status.CHECKING, attempts=3, lease_token="x", lease_until=lapsed)
    runs.run_waiting()
    told = admin_client.get(page.request["PATH_INFO"])
    assert "The worker stopped three times" in told.text
    assert "Choose another file" in told.text


def test_a_file_that_a_worker_has_is_left_to_it(admin_client):
    upload(admin_client, *many(uploads.SMALL + 1))
    assert runs.claim()
    assert runs.run_waiting() == 0


def test_what_nobody_confirms_within_a_day_goes_with_its_file(admin_client, django_capture_on_commit_callbacks):
    upload(admin_client, MEI_LING)
    fresh = TableImport.objects.get()
    upload(admin_client, HSIAO_MING)
    TableImport.objects.filter(pk=fresh.pk).update(uploaded_at=timezone.now() - datetime.timedelta(days=2))
    with django_capture_on_commit_callbacks(execute=True):
        cleanup.clean_up()
    fresh.refresh_from_db()
    assert (fresh.status, fresh.details, fresh.file.name) == ("cancelled", None, "")
    assert TableImport.objects.unconfirmed().count() == len(kept_files()) == 1


def test_which_rows_they_were_is_forgotten_after_a_week_and_how_many_is_not(admin_client):
    done = confirm(admin_client, upload(admin_client, MEI_LING))
    TableImport.objects.update(finished_at=timezone.now() - datetime.timedelta(days=8))
    cleanup.clean_up()
    page = admin_client.get(done.request["PATH_INFO"])
    assert "Lin Mei-ling" not in page.text
    assert page.context["outcome"].new == 1


def test_the_list_of_imports_leads_to_each(admin_client):
    page = upload(admin_client, MEI_LING, name="monday.csv")
    changelist = reverse("admin:backoffice_tableimport_changelist")
    listed = admin_client.get(changelist)
    assert "monday.csv" in listed.text
    assert page.request["PATH_INFO"] in listed.text
    change = reverse("admin:backoffice_tableimport_change", args=[TableImport.objects.get().pk])
    assert admin_client.get(change).url == page.request["PATH_INFO"]


def test_files_that_wait_are_readable_by_their_owner_only(admin_client):
    upload(admin_client, MEI_LING)
    row = TableImport.objects.get()
    assert row.file.name.startswith("imports/")
    assert "patients" not in row.file.name
    assert Path(row.file.path).stat().st_mode & 0o077 == 0
