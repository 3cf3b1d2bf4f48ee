"""An administrator imports patients in a real browser: one is wrong, is read, is mended, and is there."""

import csv
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from clinic.models import Patient
from clinic.tests.tables import MEI_LING, PATIENT_COLUMNS, WRONG

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def patients(page_of, administrator) -> Page:
    """Signed in, at the list of patients."""
    page = page_of(administrator)
    page.goto(reverse("admin:clinic_patient_changelist"))
    return page


def saved(path: Path, *rows: list[str]) -> Path:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([PATIENT_COLUMNS, *rows])
    return path


def test_a_file_with_an_error_is_read_mended_imported_and_its_patient_found(patients: Page, tmp_path):
    page = patients
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("Choose a file, or drop it here").set_input_files(saved(tmp_path / "new.csv", MEI_LING, WRONG))
    page.get_by_role("button", name="Check the file").click()

    wrong = page.get_by_role("row").filter(has_text="1990-02-31")
    expect(wrong).to_contain_text("3")
    expect(wrong).to_contain_text("date_of_birth")
    expect(wrong).to_contain_text("There is no such day. Write the year first")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    page.get_by_role("button", name="Choose another file").click()
    mended = [WRONG[0], "1990-02-28", *WRONG[2:]]
    page.get_by_label("Choose a file, or drop it here").set_input_files(saved(tmp_path / "new.csv", MEI_LING, mended))
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("button", name="Import 2 rows").click()
    expect(page.get_by_role("heading", name="Imported", exact=True)).to_be_visible()

    page.get_by_role("link", name="See the patients").click()
    page.get_by_label("Search").fill("Chen Wei-Ting")
    page.get_by_label("Search").press("Enter")
    expect(page.get_by_role("link", name="Chen Wei-Ting")).to_be_visible()
    assert Patient.objects.count() == 2


def test_a_table_is_exported_as_it_is_listed(patients: Page, administrator):
    Patient.objects.create(full_name="陳怡君", date_of_birth="1981-04-05", sex="female")
    page = patients
    page.get_by_role("link", name="Export", exact=True).click()
    page.get_by_label("CSV, also for very many rows").check()
    page.get_by_label("notes").uncheck()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    lines = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("full_name,date_of_birth")
    assert "notes" not in lines[0]
    assert "陳怡君" in lines[1]
