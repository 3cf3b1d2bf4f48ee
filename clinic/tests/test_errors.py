"""What went wrong is said in the look of where it happened, and never by an empty page."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_page_that_is_not_there_keeps_the_menu_for_whoever_works_here(client, front_desk):
    client.force_login(front_desk)
    answer = client.get("/admin/clinic/nowhere/")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert 'id="menu"' in answer.text


def test_a_page_of_another_role_says_so_and_keeps_the_menu(client, front_desk):
    client.force_login(front_desk)
    answer = client.get("/admin/clinic/openinghours/add/")
    assert answer.status_code == 403
    assert "This is not for your role" in answer.text
    assert 'id="menu"' in answer.text


def test_a_visitor_sees_nothing_of_the_back_office(client):
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert 'id="menu"' not in answer.text
    assert "/book/" in answer.text


def test_a_form_that_was_open_too_long_says_to_load_it_anew():
    answer = Client(enforce_csrf_checks=True).post("/book/", {"session": "2026-11-24/morning"})
    assert answer.status_code == 403
    assert "Please go back and try again" in answer.text


def test_an_error_of_ours_gives_the_number_that_is_in_the_logs(monkeypatch):
    def breaks():
        raise RuntimeError("no such table")

    monkeypatch.setattr("clinic.views.offered_days", breaks)
    answer = Client(raise_request_exception=False).get("/book/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert answer["X-Request-ID"] in answer.text
