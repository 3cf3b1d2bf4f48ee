"""An invalid form leads to what is wrong, and after a save the list is where it was."""

import pytest
from django.urls import reverse
from model_bakery import baker
from playwright.sync_api import expect

from backoffice.tests import drawn
from backoffice.tests.forms_on_pages import form_with
from clinic.models import Patient
from clinic.tests.clinics import session_today, visit

pytestmark = pytest.mark.django_db

LIST = "/admin/clinic/patient/"


@pytest.fixture
def desk(client, front_desk):
    client.force_login(front_desk)
    return client


@pytest.fixture
def patient():
    return baker.make(Patient, full_name="Lin Mei-ling", date_of_birth="1984-05-02", sex="female")


def change_page(row) -> str:
    return reverse(f"admin:clinic_{row._meta.model_name}_change", args=[row.pk])


def test_a_save_leads_back_to_the_list_as_it_was_and_to_the_record_s_row(desk, patient):
    page = f"{change_page(patient)}?_changelist_filters=sex__exact%3Dfemale%26p%3D2%26o%3D1"
    saved = desk.post(page, form_with(desk.get(page), "notes") | {"_list_search": "Lin", "_save": "Save"})
    assert saved["Location"] == f"{LIST}?sex__exact=female&p=2&o=1&q=Lin#row-{patient.pk}"
    assert f'id="row-{patient.pk}"' in desk.get(LIST).text


def test_an_added_record_is_led_to_in_its_list_too(desk):
    form = form_with(desk.get(f"{LIST}add/"), "full_name")
    typed = {"full_name": "Chen Wei-Ting", "date_of_birth": "1990-01-01", "sex": "male", "_save": "Save"}
    saved = desk.post(f"{LIST}add/", form | typed)
    assert saved["Location"] == f"{LIST}#row-{Patient.objects.get().pk}"


def test_an_invalid_form_says_at_its_top_what_is_wrong_with_the_way_to_each_field(desk, patient):
    told = desk.post(change_page(patient), form_with(desk.get(change_page(patient)), "notes") | {"full_name": ""})
    assert '<a href="#id_full_name">Full name</a>: This field is required.' in told.text
    assert 'aria-describedby="id_full_name_error"' in told.text
    assert "Please correct the error below" not in told.text


def test_what_is_wrong_in_a_row_is_named_there_too(desk):
    booked = visit(session_today())
    form = form_with(desk.get(change_page(booked)), "notes") | {"likert_answers-0-score": "9"}
    told = desk.post(change_page(booked), form)
    assert '<a href="#id_likert_answers-0-score">' in told.text
    assert "Nothing is saved yet. Please correct this:" in told.text


@pytest.mark.browser
def test_in_a_browser_an_error_takes_the_focus_and_the_list_keeps_search_and_place(page_of, front_desk):
    for number in range(40):
        baker.make(Patient, full_name=f"Lin {number:02d}", date_of_birth="1984-05-02", sex="female", national_id="")
    browser_page = page_of(front_desk)
    browser_page.goto(f"{LIST}?q=Lin&o=1")
    row = browser_page.get_by_role("link", name="Lin 25")
    row.scroll_into_view_if_needed()
    top = browser_page.evaluate("scrollY")
    assert top > 0
    row.click()
    browser_page.wait_for_url("**/change/**")
    assert "Lin" not in browser_page.url
    browser_page.fill("#id_full_name", "")
    browser_page.fill("#id_notes", "allergic")
    browser_page.get_by_role("button", name="Save", exact=True).click()
    expect(browser_page.locator("#id_full_name")).to_be_focused()
    expect(browser_page.get_by_role("alert")).to_contain_text("Full name: This field is required.")
    browser_page.fill("#id_full_name", "Lin 25")
    browser_page.get_by_role("button", name="Save", exact=True).click()
    expect(browser_page.locator(".results tr:has(:target)")).to_contain_text("Lin 25")
    expect(browser_page.locator("[aria-live=polite].visually-hidden")).to_contain_text("Lin 25")
    # The message takes a line, and fonts that come late move what was scrolled to.
    drawn.when(browser_page, lambda: browser_page.evaluate("scrollY"), lambda now: abs(now - top) <= 80)
    assert "q=Lin" in browser_page.url
    assert "#" not in browser_page.url
