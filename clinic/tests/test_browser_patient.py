"""A patient's way through the public pages, in a real browser on a phone's screen."""

import re

import pytest
from model_bakery import baker
from playwright.sync_api import Page, expect

from clinic import booking
from clinic.models import Appointment, LikertQuestion, NumericQuestion, Patient, Symptom
from clinic.tests.clinics import session_today

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Status = Appointment.Status


@pytest.fixture
def clinic(hours):
    """Something of everything that a patient is asked."""
    baker.make(Symptom, name="cough")
    baker.make(Symptom, name="fever")
    baker.make(LikertQuestion, text="Do you sleep well?", min_label="never", max_label="always", is_required=True)
    baker.make(NumericQuestion, text="How many cups of coffee?", unit="a day", minimum=0, maximum=30)


def choose(page: Page, slot: str) -> None:
    page.goto("/")
    page.locator(f'input[value="{slot}"]').check(force=True)
    page.get_by_role("button", name="Continue").click()


def say_who(page: Page, national_id: str = "A123456789") -> None:
    page.get_by_label("Full name").fill("Lin Mei-ling")
    page.get_by_label("Date of birth").fill("1984-05-02")
    page.get_by_label("Female").check(force=True)
    page.get_by_label("ID, residence permit or passport number").fill(national_id)
    page.get_by_label("Phone").fill("0912 345 678")
    page.get_by_label("Cough").check(force=True)


def answer_and_book(page: Page) -> None:
    page.get_by_label("6", exact=True).check(force=True)
    page.get_by_label("How many cups of coffee?").fill("2")
    page.get_by_role("button", name="Book ·").click()


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_patient_books_moves_and_cancels(browser_page: Page, clinic, tomorrow):
    page = browser_page
    choose(page, f"{tomorrow}/morning")
    say_who(page)
    assert fits(page)
    page.get_by_role("button", name="Continue").click()
    assert fits(page)
    answer_and_book(page)
    expect(page.locator("[data-queue-number]")).to_have_text("1")
    page.get_by_role("link", name="Open your own page").click()
    visit = Appointment.objects.get()
    assert page.url.endswith(f"/bookings/{visit.reference}/")
    assert [symptom.name for symptom in visit.symptoms.all()] == ["cough"]
    assert (visit.likert_answers.get().score, visit.numeric_answers.get().value) == (6, 2)

    page.get_by_role("link", name="Move to another time").click()
    page.locator(f'input[value="{tomorrow}/afternoon"]').check(force=True)
    assert fits(page)
    page.get_by_role("button", name="Move ·").click()
    expect(page.get_by_text("Your booking is moved")).to_be_visible()
    visit.refresh_from_db()
    assert visit.session.slug == f"{tomorrow}/afternoon"

    page.get_by_role("link", name="Cancel booking").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    expect(page.get_by_role("heading", name="This booking is cancelled")).to_be_visible()
    visit.refresh_from_db()
    assert (visit.status, visit.session.booked) == (Status.CANCELLED, 0)


def test_a_reload_in_the_middle_loses_nothing_and_keeps_no_national_id(browser_page: Page, clinic, tomorrow):
    page = browser_page
    choose(page, f"{tomorrow}/morning")
    say_who(page)
    assert "A123456789" not in page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")
    page.reload()
    expect(page.get_by_label("Full name")).to_have_value("Lin Mei-ling")
    expect(page.get_by_label("Female")).to_be_checked()
    expect(page.get_by_label("Cough")).to_be_checked()
    expect(page.get_by_label("Fever")).not_to_be_checked()
    expect(page.get_by_label("ID, residence permit or passport number")).to_have_value("")
    page.get_by_label("ID, residence permit or passport number").fill("A123456789")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_load_state()
    page.get_by_label("How many cups of coffee?").fill("2")
    page.reload()
    expect(page.get_by_label("How many cups of coffee?")).to_have_value("2")
    answer_and_book(page)
    expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    assert "booking:" not in page.evaluate("Object.keys(sessionStorage).join()")


def test_what_was_typed_long_ago_is_forgotten(browser_page: Page, clinic, tomorrow):
    page = browser_page
    page.clock.install()
    choose(page, f"{tomorrow}/morning")
    say_who(page)
    page.clock.fast_forward("01:01:00")
    page.reload()
    expect(page.get_by_label("Full name")).to_have_value("")


def test_it_works_by_keyboard_and_the_cursor_goes_to_the_first_mistake(browser_page: Page, clinic, tomorrow):
    page = browser_page
    page.goto("/")
    page.locator("input[name=session]").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    say_who(page, national_id="A123456788")
    page.get_by_label("Phone").fill("x")
    page.keyboard.press("Enter")
    wrong = page.get_by_label("ID, residence permit or passport number")
    expect(wrong).to_be_focused()
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_accessible_description(re.compile("does not add up"))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("A123456789")
    page.get_by_label("Phone").fill("0912 345 678")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="A few questions about your habits")).to_be_visible()
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Book ·").press("Enter")
    expect(page.get_by_label("1, ")).to_be_focused()


def test_places_left_follow_and_keep_choice_focus_and_scroll(browser_page: Page, clinic, tomorrow):
    page = browser_page
    page.clock.install()
    page.goto("/")
    chosen = page.locator(f'input[value="{tomorrow}/afternoon"]')
    chosen.check(force=True)
    chosen.focus()
    page.evaluate("window.scrollTo(0, 300)")
    for _place in range(2):
        booking.book(booking.session_for(tomorrow, "morning"), baker.make(Patient), by=None)
    page.clock.run_for(16_000)
    expect(page.locator("label", has=page.locator(f'input[value="{tomorrow}/morning"]'))).to_contain_text("1 left")
    expect(chosen).to_be_checked()
    expect(chosen).to_be_focused()
    assert page.evaluate("window.scrollY") == 300
    for _place in range(3):
        booking.book(booking.session_for(tomorrow, "afternoon"), baker.make(Patient), by=None)
    page.clock.run_for(16_000)
    expect(page.get_by_text("The time you had chosen is taken by now")).to_be_visible()
    expect(page.get_by_role("button", name="Continue", exact=True)).to_be_visible()


def test_on_the_day_the_page_follows_the_queue(browser_page: Page, db):
    today = session_today()
    first, mine = (booking.book(today, baker.make(Patient), by=None) for _place in range(2))
    page = browser_page
    page.clock.install()
    page.goto(f"/bookings/{mine.reference}/")
    expect(page.get_by_text("up to 1")).to_be_visible()
    for visit in (first, mine):
        booking.check_in(visit, by=None)
    booking.call_next(mine.session, by=None)
    page.clock.run_for(11_000)
    expect(page.get_by_text("nobody")).to_be_visible()
    booking.call_next(mine.session, by=None)
    page.clock.run_for(11_000)
    expect(page.get_by_text("It is your turn")).to_be_visible()
    booking.mark_done(mine, by=None)
    page.clock.run_for(11_000)
    expect(page.get_by_text("cannot be changed here any more")).to_be_visible()
