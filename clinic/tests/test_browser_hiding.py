"""Hiding a patient in a real browser: the question, the reason, and the way back."""

import pytest
from django.urls import reverse
from model_bakery import baker
from playwright.sync_api import Page, expect

from clinic import booking
from clinic.models import Appointment, Patient
from clinic.tests.clinics import session_today

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def patient(front_desk) -> Patient:
    front_desk.set_password("a-desk-of-this-test")
    front_desk.save()
    patient = baker.make(Patient, full_name="Wang Hsin", national_id="", email="")
    booking.book(session_today(), patient, by=front_desk)
    return patient


def test_a_patient_is_hidden_for_a_reason_and_restored(browser_page: Page, front_desk, patient):
    page = browser_page
    page.goto(reverse("admin:clinic_patient_change", args=[patient.pk]))
    page.get_by_label("Username").fill(front_desk.username)
    page.get_by_label("Password").fill("a-desk-of-this-test")
    page.get_by_label("Password").press("Enter")
    page.get_by_role("button", name="Hide…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hide this patient?")
    expect(page.get_by_text("Still to come: 1")).to_be_visible()
    page.get_by_role("button", name="Hide", exact=True).click()  # the browser asks for the reason
    expect(page.get_by_label("Reason")).to_be_focused()
    page.get_by_label("Reason").fill("Entered twice")
    page.get_by_role("button", name="Hide", exact=True).click()
    expect(page.get_by_text("Hidden by frontdesk")).to_contain_text("Entered twice")
    assert Appointment.objects.get().status == Appointment.Status.CANCELLED
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("button", name="Hide…")).to_be_visible()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_text("restored", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert not Patient.objects.get().is_hidden
