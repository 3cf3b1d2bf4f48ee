"""The first page in a real browser: it follows what happens elsewhere, and leaves whoever uses it in peace."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from model_bakery import baker
from playwright.sync_api import Page, expect

from clinic import booking
from clinic.models import Appointment, ClinicSession, Patient
from clinic.tests.clinics import session_today

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def running(transactional_db) -> ClinicSession:
    """A session of today, with two people who are here."""
    session = session_today()
    for name in ("Chen Wei-Ting", "Lin Yu-Chun"):
        patient = baker.make(Patient, full_name=name, national_id="", email="")
        booking.check_in(booking.book(session, patient, by=None), by=None)
    return session


@pytest.fixture
def first_page(page_of, front_desk, running) -> Page:
    page = page_of(front_desk)
    page.goto("/admin/")
    return page


def look_again(page) -> None:
    """What the page does by itself every few seconds."""
    with page.expect_response(lambda answer: "/admin/live/today/" in answer.url):
        page.evaluate("htmx.trigger(document.getElementById('block-today'), 'look-again')")


def test_a_number_that_another_desk_calls_shows_glows_and_leaves_the_focus(first_page, running):
    first_page.focus("#desk-morning")
    booking.call_next(running, by=None)
    look_again(first_page)
    first_page.locator("[data-glow=serving-morning].changed", has_text="1").wait_for()
    expect(first_page.locator("#desk-morning")).to_be_focused()


def test_nothing_moves_where_nothing_has_changed(first_page):
    first_page.evaluate("document.querySelector('#block-today h2').dataset.mine = 'here'")
    look_again(first_page)
    assert first_page.locator("#block-today h2[data-mine=here]").count() == 1


def test_nobody_asks_while_nobody_looks(first_page):
    asked = []
    first_page.on("request", lambda request: asked.append(request.url) if "/live/" in request.url else None)
    first_page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    first_page.evaluate("htmx.trigger(document.getElementById('block-today'), 'look-again')")
    first_page.wait_for_timeout(300)
    assert asked == []


@pytest.fixture
def apart(first_page, live_server) -> Page:
    """The same page in a window of its own: what fails there on purpose is written to its console."""
    signed_in = first_page.context.storage_state()
    context = first_page.context.browser.new_context(base_url=live_server.url, storage_state=signed_in, locale="en")
    page = context.new_page()
    page.goto("/admin/")
    return page


def cut_off(page):
    page.context.set_offline(True)
    return lambda: page.context.set_offline(False)


def out_of_order(page):
    page.route("**/live/**", lambda route: route.fulfill(status=503))
    return lambda: page.unroute("**/live/**")


@pytest.mark.parametrize("break_down", [cut_off, out_of_order])
def test_it_says_since_when_the_connection_is_lost_and_takes_it_back(apart, break_down):
    state = apart.locator("#live")
    expect(state).to_have_text("live")
    mend = break_down(apart)
    apart.evaluate("htmx.trigger(document.getElementById('block-today'), 'look-again')")
    expect(state).to_have_text(re.compile(r"connection lost since \d+:\d\d"))
    expect(state).to_contain_class("lost")
    mend()
    look_again(apart)
    expect(state).to_have_text("live")
    expect(state).not_to_contain_class("lost")


def test_the_next_is_called_from_the_block_after_it_was_refreshed(first_page, running):
    Appointment.objects.filter(session=running).update(notes="moved")
    look_again(first_page)
    first_page.click("#call-morning")
    first_page.get_by_role("status").filter(has_text="Number 1 is called").wait_for()


@pytest.mark.parametrize("width", [390, 1280])
def test_everybody_can_use_it_by_day_and_by_night(first_page, running, width):
    first_page.set_viewport_size({"width": width, "height": 800})
    appointment = running.appointments.first()
    for address in (
        "/admin/",
        "/admin/clinic/appointment/",
        f"/admin/clinic/appointment/{appointment.pk}/change/",
        f"/admin/clinic/patient/{appointment.patient_id}/change/",
        "/admin/clinic/patient/add/",
        "/admin/clinic/patient/?q=nobody",
    ):
        first_page.goto(address)
        for theme in ("light", "dark"):
            first_page.emulate_media(color_scheme=theme)
            found = Axe().run(first_page)
            assert (address, theme, found.generate_report() if found.violations_count else "") == (address, theme, "")
        assert first_page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
