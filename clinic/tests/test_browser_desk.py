"""The front desk's day in a real browser, with the board beside it."""

import pytest
from django.urls import reverse
from model_bakery import baker
from playwright.sync_api import Page, expect

from clinic import booking
from clinic.models import Appointment, Patient
from clinic.tests.clinics import session_today

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def visits(front_desk) -> list[Appointment]:
    """Three people booked today."""
    names = ["Wang Hsin", "Lin Yu-Chun", "Cheng Kuan-Yu"]
    session = session_today()
    return [
        booking.book(session, baker.make(Patient, full_name=name, national_id="", email=""), by=front_desk)
        for name in names
    ]


@pytest.fixture
def desk(page_of, front_desk, visits) -> Page:
    """Signed in, from the first page to the desk."""
    page = page_of(front_desk)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(reverse("admin:index"))
    page.get_by_role("link", name="Desk: morning").click()
    page.wait_for_url("**/desk/**")  # loaded: a script asked for after signing out would be the sign-in page
    return page


def press(page: Page, name: str, said: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.locator("#said")).to_have_text(said)
    page.wait_for_timeout(600)  # what follows is another press, not the second half of this one


def test_two_are_checked_in_and_called_and_the_board_follows(desk: Page, live_server):
    board = desk.context.browser.new_page()
    board.goto(live_server.url + reverse("clinic:now"))
    desk.evaluate("window.isTheSamePage = true")
    press(desk, "Check in number 2", "Number 2 is here.")
    press(desk, "Check in number 1", "Number 1 is here.")
    press(desk, "Call next: number 1", "Number 1 is called.")
    expect(board.locator("[data-now-serving]")).to_have_text("1")
    assert "Wang Hsin" not in board.content()
    press(desk, "Done", "Number 1 is done.")
    desk.keyboard.press("n")
    expect(desk.locator("[data-called]")).to_have_text("2")
    expect(board.locator("[data-now-serving]")).to_have_text("2")
    assert desk.evaluate("window.isTheSamePage")


def test_pressing_too_often_calls_one_person(desk: Page, visits):
    """Twice at once, and again as soon as the next button is there."""
    press(desk, "Check in number 1", "Number 1 is here.")
    press(desk, "Check in number 2", "Number 2 is here.")
    again = "document.body.addEventListener('htmx:afterSettle', () => document.getElementById('call-next').click())"
    desk.evaluate(again)
    desk.locator("#call-next").dblclick()
    expect(desk.locator("[data-called]")).to_have_text("1")
    desk.wait_for_timeout(300)
    assert visits[1].session.appointments.waiting().count() == 1


def test_what_another_desk_does_appears_and_the_page_stays_where_it_was(desk: Page, visits, front_desk):
    desk.get_by_label("Find").fill("cheng")
    expect(desk.get_by_text("Wang Hsin")).to_be_hidden()
    booking.check_in(visits[2], by=front_desk)
    expect(desk.get_by_role("button", name="Call number 3")).to_be_visible()
    expect(desk.get_by_text("Wang Hsin")).to_be_hidden()
    expect(desk.get_by_label("Find")).to_be_focused()


def test_who_is_signed_out_meanwhile_is_asked_to_sign_in(desk: Page):
    desk.context.clear_cookies()
    expect(desk.get_by_label("Password")).to_be_visible()
    expect(desk.locator("#find")).to_have_count(0)


def test_it_fits_a_tablet_and_a_phone(desk: Page):
    for width in (390, 768):
        desk.set_viewport_size({"width": width, "height": 800})
        assert desk.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
