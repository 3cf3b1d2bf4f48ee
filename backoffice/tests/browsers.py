"""A real browser: Chromium, by Playwright."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from backoffice.models import User
from backoffice.tests.installations import leave_out

CHROMIUM = Path("/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def _started_chromium() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    """One browser for each process of the run: starting it takes longer than most tests in it."""
    if not CHROMIUM.exists():
        leave_out(f"no Chromium at {CHROMIUM}: the tests in a browser are left out")
    expect.set_options(timeout=30_000)  # ms, as long as Playwright waits for all else
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture(scope="module")
def chromium(_started_chromium: tuple[Browser, asyncio.AbstractEventLoop]) -> Iterator[Browser]:
    """The browser, for the tests of a file.

    Playwright's event loop runs in this thread, so Django takes the tests for asynchronous code, which they are not.
    The loop rests between the files: those without a browser keep Django's guard.
    """
    browser, loop = _started_chromium
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        asyncio._set_running_loop(loop)
        yield browser
        for context in browser.contexts:
            context.close()
        asyncio._set_running_loop(None)


@pytest.fixture
def browser_page(chromium: Browser, live_server: LiveServer, settings: Settings) -> Iterator[Page]:
    """A page of 390 × 844 px, of somebody who has never been here, and likes nothing that moves.

    The test fails where the page asks another host for anything, or writes an error to the console.
    """
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    asked: list[str] = []
    errors: list[str] = []
    page = chromium.new_page(
        base_url=live_server.url, viewport={"width": 390, "height": 844}, locale="en", reduced_motion="reduce"
    )
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    for context in chromium.contexts:  # a test may have opened more
        context.close()
    assert [url for url in asked if not url.startswith((live_server.url, "data:"))] == []
    assert errors == []


@pytest.fixture
def page_of(browser_page: Page, live_server: LiveServer, client: Client) -> Callable[[User], Page]:
    """The browser's page, of this person, who has signed in by another way than its form."""

    def signed_in(person: User) -> Page:
        client.force_login(person)
        session = client.cookies["sessionid"].value
        browser_page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        return browser_page

    return signed_in
