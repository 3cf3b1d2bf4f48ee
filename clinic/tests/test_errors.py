"""What went wrong is said in the look of where it happened, and never by an empty page."""

import sqlite3
from contextlib import closing

import pytest
from django.contrib import admin
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from backoffice.tests.forms_on_pages import form_with
from clinic.models import Symptom

pytestmark = pytest.mark.django_db


def test_a_page_that_is_not_there_keeps_the_menu_for_whoever_works_here(client, front_desk):
    client.force_login(front_desk)
    answer = client.get("/admin/clinic/nowhere/")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert 'id="menu"' in answer.text


def test_an_address_that_asks_a_list_for_what_cannot_be_leads_to_the_list(admin_client):
    """`e=1` is how Django notes that it has said so once."""
    for model in admin.site._registry:
        asked = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        answer = admin_client.get(asked, {"e": "1", "nonsense": "a"}, follow=True)
        assert answer.status_code == 200, asked
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

    monkeypatch.setattr("clinic.public.views.offered_days", breaks)
    answer = Client(raise_request_exception=False).get("/book/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert answer["X-Request-ID"] in answer.text


def test_whoever_waited_in_vain_for_the_database_is_told_to_try_again(monkeypatch):
    def waits():
        raise OperationalError("database is locked")

    monkeypatch.setattr("clinic.public.views.offered_days", waits)
    answer = Client(raise_request_exception=False).get("/book/")
    assert answer.status_code == 503
    assert "Busy just now" in answer.text
    assert "on our side" not in answer.text


def test_whoever_works_here_is_told_that_the_disk_is_full(administrator, monkeypatch):
    def full(*_arguments, **_options):
        with closing(sqlite3.connect(":memory:")) as disk:
            disk.execute("PRAGMA max_page_count = 1")
            try:
                disk.execute("CREATE TABLE film (pixels)")
            except sqlite3.Error as error:
                raise OperationalError(str(error)) from error  # as Django does

    client = Client(raise_request_exception=False)
    client.force_login(administrator)
    page = "/admin/clinic/symptom/add/"
    sent = form_with(client.get(page), "name") | {"name": "Cough"}
    monkeypatch.setattr(Symptom, "save", full)
    answer = client.post(page, sent)
    assert answer.status_code == 507
    assert "There is no room left on the disk." in answer.text


def test_a_form_that_was_open_too_long_keeps_the_menu_for_whoever_works_here(front_desk):
    client = Client(enforce_csrf_checks=True)
    client.force_login(front_desk)
    answer = client.post("/admin/clinic/patient/add/", {"full_name": "Chen Wei-Ting"})
    assert answer.status_code == 403
    assert "Please go back and try again" in answer.text
    assert 'id="menu"' in answer.text


def test_a_sign_in_page_that_was_open_too_long_leads_back_to_signing_in():
    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "mei", "password": "secret"})
    assert answer.status_code == 403
    assert 'href="/admin/"' in answer.text
    assert "Book a time" not in answer.text


def test_what_cannot_be_understood_keeps_the_menu_for_whoever_works_here(client, front_desk, monkeypatch):
    def not_understood(*_args, **_kwargs):
        raise SuspiciousOperation("two of what is one")

    client.force_login(front_desk)
    monkeypatch.setattr("clinic.admin.patients.PatientAdmin.get_queryset", not_understood)
    answer = client.get("/admin/clinic/patient/")
    assert answer.status_code == 400
    assert "This could not be understood" in answer.text
    assert 'id="menu"' in answer.text


def test_an_error_of_ours_tells_whoever_works_here_where_to_take_it(front_desk, monkeypatch):
    def breaks(*_args, **_kwargs):
        raise RuntimeError("no such table")

    client = Client(raise_request_exception=False)
    client.force_login(front_desk)
    monkeypatch.setattr("clinic.admin.patients.PatientAdmin.get_queryset", breaks)
    answer = client.get("/admin/clinic/patient/")
    assert answer.status_code == 500
    assert "give this number to whoever looks after the system" in answer.text
    assert answer["X-Request-ID"] in answer.text
    assert 'href="/admin/"' in answer.text


@pytest.mark.parametrize(
    ("failure", "status"), [("database is locked", 503), ("the connection is closed", 500)], ids=["busy", "away"]
)
def test_a_session_that_the_database_does_not_take_is_no_fault_of_the_form(
    hours, tomorrow, monkeypatch, failure, status
):
    def fails(*_args, **_kwargs):
        raise OperationalError(failure)

    client = Client(raise_request_exception=False)
    client.post("/book/", {"session": f"{tomorrow}/morning"})
    monkeypatch.setattr("django.contrib.sessions.models.Session.save", fails)
    answer = client.post("/book/", {"session": f"{tomorrow}/afternoon"})
    assert answer.status_code == status
    assert "try again in a minute" in answer.text
