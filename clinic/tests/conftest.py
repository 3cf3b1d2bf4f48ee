import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings
from django.utils import timezone
from model_bakery import baker
from playwright.sync_api import Browser, Page, sync_playwright

from clinic import booking
from clinic.booking import calling
from clinic.models import LikertQuestion, NumericQuestion, OpeningHours, Period, Symptom, Weekday
from conftest import leave_out


@pytest.fixture
def tomorrow() -> datetime.date:
    return timezone.localdate() + datetime.timedelta(days=1)


@pytest.fixture
def admin_client(client, administrator):
    """Signed in as an administrator, who is no superuser: pytest-django's own would be."""
    client.force_login(administrator)
    return client


@pytest.fixture
def hours(db) -> list[OpeningHours]:
    """Three places every morning and every afternoon."""
    times = {Period.MORNING: (9, 12), Period.AFTERNOON: (14, 17)}
    return [
        baker.make(
            OpeningHours,
            weekday=weekday,
            period=period,
            opens_at=datetime.time(opens),
            closes_at=datetime.time(closes),
            capacity=3,
        )
        for weekday in Weekday.values
        for period, (opens, closes) in times.items()
    ]


@pytest.fixture
def session(hours, tomorrow):
    return booking.session_for(tomorrow, Period.MORNING)


@pytest.fixture
def afternoon(hours, tomorrow):
    return booking.session_for(tomorrow, Period.AFTERNOON)


@pytest.fixture
def book_online(client, hours, tomorrow):
    """Walk the public pages to the end with a person's details; returns the last page."""

    def walk(answers: dict | None = None, **details):
        person = {
            "full_name": "Lin Mei-ling",
            "date_of_birth": "1984-05-02",
            "sex": "female",
            "national_id": "A123456789",
            "phone": "0912345678",
        }
        client.post("/book/", {"session": f"{tomorrow}/morning"})
        client.post("/book/details/", person | details)
        return client.post("/book/survey/", answers, follow=True)

    return walk


# -- What a patient types on the public pages --------------------------------------------------------------------------


@pytest.fixture
def questions(db):
    return baker.make(LikertQuestion, is_required=True), baker.make(
        NumericQuestion, minimum=0, maximum=60, unit="a day"
    )


@pytest.fixture
def slot(hours, tomorrow):
    return f"{tomorrow}/morning"


@pytest.fixture
def person(db):
    return {
        "full_name": "Lin  Mei-ling",
        "date_of_birth": "1984-05-02",
        "sex": "female",
        "national_id": "a123 456 789",
        "phone": "０９１２ 345 678",
        "email": "",
        "symptoms": [baker.make(Symptom, name="Cough").pk],
    }


@pytest.fixture
def answers(questions):
    scale, number = questions
    return {f"habit_{scale.pk}": "6", f"chabit_{number.pk}": "4.5"}


# -- A real browser ---------------------------------------------------------------------------------------------------

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
def _plain_http():
    with override_settings(SECURE_SSL_REDIRECT=False):
        yield


@pytest.fixture(scope="session")
def live_server(_plain_http, live_server):
    """pytest-django's server, which speaks plain HTTP and reads such settings once, when it starts."""
    return live_server


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a file: starting it takes longer than most of them."""
    if not CHROMIUM.exists():
        leave_out(f"no Chromium at {CHROMIUM}: the tests in a browser are left out")
    with pytest.MonkeyPatch.context() as patched, sync_playwright() as playwright:
        # Playwright's event loop runs in this thread, so Django takes the tests for asynchronous code, which they are
        # not. The loop ends with the fixture: the files after it keep Django's guard.
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def browser_page(chromium, live_server, settings) -> Iterator[Page]:
    """A page of 390 × 844 px, of somebody who has never been here.

    The test fails where the page asks another host for anything, or writes an error to the console.
    """
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    asked, errors = [], []
    page = chromium.new_page(base_url=live_server.url, viewport={"width": 390, "height": 844}, locale="en")
    page.set_default_timeout(10_000)
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    for context in chromium.contexts:  # a test may have opened more
        context.close()
    assert [url for url in asked if not url.startswith((live_server.url, "data:"))] == []
    assert errors == []


@pytest.fixture
def on_the_day(session, monkeypatch):
    """As if it were the session's day: visits of another one are neither checked in nor called."""
    monkeypatch.setattr(calling, "today", lambda: session.date)
