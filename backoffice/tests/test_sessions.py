"""A signed-in session ends: without work after a while, and in any case after some hours."""

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.access import session_expiry

pytestmark = pytest.mark.django_db

PAGE = "/admin/clinic/patient/"
HTMX = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{PAGE}?q=lin"}
MINUTE, HOUR = 60, 3600


class Clock:
    """Time as the middleware sees it."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(session_expiry, "time", clock)
    return clock


@pytest.fixture
def at_work(client, clock, front_desk):
    front_desk.set_password("words that nobody guesses")
    front_desk.save()
    client.force_login(front_desk)
    return front_desk


def is_in(client) -> bool:
    return client.get(PAGE).status_code == 200


def test_half_an_hour_without_work_ends_it_and_says_so(client, clock, at_work):
    clock.pass_by(29 * MINUTE)
    assert is_in(client)
    clock.pass_by(31 * MINUTE)
    response = client.get(f"{PAGE}?q=lin", follow=True)
    assert response.redirect_chain[0][0] == f"/admin/login/?next={PAGE}%3Fq%3Dlin"
    assert "You were signed out, for safety" in response.text


def test_after_signing_in_again_one_is_back(client, clock, at_work):
    clock.pass_by(31 * MINUTE)
    login = client.get(f"{PAGE}?q=lin", follow=True)
    data = {"username": at_work.username, "password": "words that nobody guesses", "next": login.context["next"]}
    back = client.post("/admin/login/", data, follow=True)
    assert back.request["PATH_INFO"] == PAGE
    assert back.request["QUERY_STRING"] == "q=lin"


def test_work_goes_on_and_on_but_not_beyond_the_day(client, clock, at_work):
    for _ in range(12 * 3 - 1):
        clock.pass_by(20 * MINUTE)
        assert is_in(client)
    clock.pass_by(21 * MINUTE)
    assert not is_in(client)


def test_a_list_that_refreshes_itself_keeps_nobody_signed_in(client, clock, at_work):
    for _ in range(6):
        clock.pass_by(5 * MINUTE)
        assert client.get(PAGE, headers=HTMX).status_code == 200
    clock.pass_by(1 * MINUTE)
    assert not is_in(client)


def test_a_press_that_htmx_sends_is_work(client, clock, at_work):
    clock.pass_by(29 * MINUTE)
    client.post("/admin/clinic/clinicsession/1/desk/", {"do": ""}, headers=HTMX)
    clock.pass_by(29 * MINUTE)
    assert is_in(client)


def test_after_the_end_a_refresh_sends_the_whole_page_to_sign_in(client, clock, at_work):
    clock.pass_by(31 * MINUTE)
    response = client.get("/admin/live/today/", headers=HTMX)
    assert response.status_code == 200
    assert response["HX-Redirect"] == f"/admin/login/?next={PAGE.replace('/', '%2F')}%3Fq%3Dlin"
    assert response.content == b""


def test_a_forged_address_of_the_page_leads_nowhere_else(client):
    response = client.get(PAGE, headers={**HTMX, "HX-Current-URL": "https://elsewhere.example/steal"})
    assert response["HX-Redirect"] == "/admin/login/?next=%2Fadmin%2F"


@pytest.mark.parametrize("wanted", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else_but_to_the_first_page(client, at_work, wanted):
    client.logout()
    data = {"username": at_work.username, "password": "words that nobody guesses", "next": wanted}
    assert client.post("/admin/login/", data)["Location"] == "/admin/"


def test_work_writes_the_session_once_a_minute_at_most(client, clock, at_work):
    def writes() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        return sum(query["sql"].startswith('UPDATE "django_session"') for query in queries)

    clock.pass_by(61)
    assert [writes(), writes()] == [1, 0]
    clock.pass_by(30)
    assert writes() == 0
    clock.pass_by(31)
    assert writes() == 1


def test_what_the_session_held_is_gone(client, clock, at_work):
    key = client.session.session_key
    clock.pass_by(31 * MINUTE)
    client.get(PAGE)
    assert not Session.objects.filter(pk=key).exists()


def test_a_visitor_who_never_signed_in_keeps_what_they_typed(client, clock, db):
    visitor = client.session
    visitor["draft"] = "half a booking"
    visitor.save()
    clock.pass_by(2 * HOUR)
    client.get("/now/")
    assert client.session["draft"] == "half a booking"


def test_taking_access_away_ends_it_at_once(client, clock, at_work):
    assert is_in(client)
    at_work.groups.clear()
    assert client.get(PAGE).status_code == 403
    at_work.is_active = False
    at_work.save()
    assert client.get(PAGE)["Location"].startswith(reverse("admin:login"))


def test_a_new_password_ends_the_sessions_that_the_old_one_opened(client, clock, at_work):
    at_work.set_password("other words that nobody guesses")
    at_work.save()
    assert not is_in(client)
