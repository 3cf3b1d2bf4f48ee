"""Choosing a record by search, and adding the one that is missing in a window of its own, in a real browser."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from clinic.models import Patient
from clinic.tests.clinics import session_today

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def adding_an_appointment(page_of, front_desk, transactional_db) -> Page:
    session_today()
    page = page_of(front_desk)
    page.goto("/admin/clinic/appointment/add/")
    return page


def test_a_patient_who_is_missing_is_added_in_a_window_that_closes_and_fills_the_field(adding_an_appointment):
    page = adding_an_appointment
    page.click(".select2-selection")
    page.get_by_text("No results found").wait_for()
    # The list is drawn at the end of the page, outside of every landmark: that is the library's, and moderate.
    found = Axe().run(page, options={"rules": {"region": {"enabled": False}}})
    assert (found.generate_report() if found.violations_count else "") == ""
    page.keyboard.press("Escape")

    with page.expect_popup() as opened:
        page.click("#add_id_patient")
    window = opened.value
    window.get_by_role("heading", name="Add patient").wait_for()
    window.fill("#id_full_name", "Hu Xiao-Ming")
    window.fill("#id_date_of_birth", "1990-01-02")
    window.select_option("#id_sex", "male")
    with window.expect_event("close"):
        window.click("[name=_save]")
    page.locator(".select2-selection", has_text="Hu Xiao-Ming").wait_for()
    assert page.input_value("#id_patient") == str(Patient.objects.get().pk)
