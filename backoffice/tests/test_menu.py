"""The menu beside every page: what this person may see, in their language, from one moment to the next."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

pytestmark = pytest.mark.django_db

HOME = reverse("admin:index")


def menu(client, **headers) -> str:
    page = client.get(HOME, headers=headers).text
    return page[page.index("<aside") : page.index("</aside")]


def test_it_follows_the_roles_that_are_given_and_taken(client, front_desk, administrator):
    client.force_login(front_desk)
    assert "Patients" in menu(client)
    assert "Sign-ins" not in menu(client)
    front_desk.groups.set(administrator.groups.all())
    assert "Sign-ins" in menu(client)
    front_desk.groups.clear()
    assert "Patients" not in menu(client)


def test_who_may_do_the_same_reads_it_in_a_language_of_their_own(client, front_desk):
    client.force_login(front_desk)
    for language, patients in (("en", "Patients"), ("zh-TW", "病人"), ("en", "Patients")):
        assert patients in menu(client, accept_language=language)


def test_links_of_our_own_stand_there_for_who_may_follow_them(client, clinician, front_desk):
    for person, is_there in ((clinician, True), (front_desk, False), (clinician, True)):
        client.force_login(person)
        assert ("Worklist" in menu(client)) is is_there
        assert ("判讀清單" in menu(client, accept_language="zh-TW")) is is_there


def test_it_asks_nothing_of_what_a_superuser_may_do(admin_client):
    admin_client.get("/admin/clinic/symptom/")
    with CaptureQueriesContext(connection) as asked:
        admin_client.get("/admin/clinic/symptom/")
    assert not [query for query in asked.captured_queries if "auth_permission" in query["sql"]]


def test_it_marks_where_one_is_on_each_page_anew(client, front_desk):
    client.force_login(front_desk)
    patients, visits = (reverse(f"admin:clinic_{name}_changelist") for name in ("patient", "appointment"))
    entry = '<a href="{}" class="nav-link{}"{}>'
    for page, marks in (
        (patients, [(patients, " active", ' aria-current="page"'), (visits, "", "")]),
        (f"{patients}add/", [(patients, " active", ""), (visits, "", "")]),
        (visits, [(patients, "", ""), (visits, " active", ' aria-current="page"')]),
    ):
        shown = client.get(page).text
        assert [mark for mark in marks if entry.format(*mark) not in shown] == []
