"""Imports on the first page: what a worker does shows with its progress, what failed with what to do about it."""

import datetime
import re

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from backoffice.imports import progress, runs, uploads
from backoffice.models import TableImport
from clinic.tests.tables import CONFIRM, MEI_LING, WRONG, key_in, many, upload

pytestmark = pytest.mark.django_db

LARGE = uploads.SMALL + 1
RUNNING, FAILED = (reverse("admin:live_block", args=[name]) for name in ("imports", "failed_imports"))
STOPPED = "The worker stopped three times while it was at this file. Split the file, and upload the parts."


@pytest.fixture
def make_importer(django_user_model):
    """Somebody who may import these tables, and is no administrator."""

    def make(*tables: str):
        person = django_user_model.objects.create_user("-".join(tables), is_staff=True)
        codenames = [f"import_{table}" for table in tables]
        person.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
        return person

    return make


def page_of(row: TableImport) -> str:
    return reverse("admin:clinic_patient_import_result", args=[row.pk])


def fail(row: TableImport) -> None:
    TableImport.objects.filter(pk=row.pk).update(status="failed", error=STOPPED, finished_at=timezone.now())


def test_a_large_file_shows_from_its_upload_until_it_is_written(admin_client, django_capture_on_commit_callbacks):
    upload(admin_client, *many(LARGE), name="monday.csv")
    row = TableImport.objects.get()
    shown = admin_client.get("/admin/").text
    assert f'href="{page_of(row)}">monday.csv</a>' in shown
    assert "waits to be checked" in shown

    runs.run_waiting()
    assert "to be confirmed" in admin_client.get(RUNNING).text
    admin_client.post(CONFIRM, {"key": key_in(admin_client.get(page_of(row))), "decision": "all"})
    assert "waits to be written" in admin_client.get(RUNNING).text
    with django_capture_on_commit_callbacks(execute=True):
        runs.run_waiting()
    assert "monday.csv" not in admin_client.get(RUNNING).text


def test_its_progress_shows_though_the_database_says_nothing_new(admin_client):
    upload(admin_client, *many(LARGE))
    row = runs.claim()
    progress.write(row, 400)
    before = admin_client.get(RUNNING)
    assert f'max="{LARGE}" value="400"' in before.text
    assert f"400 of {LARGE:,} rows" in before.text

    stamp = re.search(r"seen=(\w+)", before.text)[1]
    assert admin_client.get(RUNNING, {"seen": stamp}).status_code == 204
    progress.write(row, 1600)
    assert 'value="1600"' in admin_client.get(RUNNING, {"seen": stamp}).text


def test_looking_again_writes_nothing_and_asks_as_often_for_three_as_for_one(admin_client):
    """On SQLite whoever writes waits for the import, and even the cache is a table."""

    def asked() -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(RUNNING, headers={"HX-Request": "true"})
        return [query["sql"] for query in queries]

    upload(admin_client, *many(LARGE))
    asked()
    for_one = asked()
    for _ in range(2):
        upload(admin_client, *many(LARGE))
    for_three = asked()
    assert len(for_three) == len(for_one)
    assert [sql for sql in for_three if not sql.startswith("SELECT")] == []


def test_a_small_file_waits_on_its_own_page(admin_client):
    upload(admin_client, MEI_LING, WRONG, name="small.csv")
    assert "small.csv" not in admin_client.get("/admin/").text


@pytest.mark.parametrize("address", [RUNNING, FAILED])
def test_only_those_see_an_import_who_may_open_its_page(client, administrator, make_importer, address):
    client.force_login(administrator)
    upload(client, *many(LARGE), name="theirs.csv")
    row = TableImport.objects.get()
    if address == FAILED:
        fail(row)
    assert "theirs.csv" in client.get(address).text

    client.force_login(make_importer("patient"))
    assert "theirs.csv" not in client.get(address).text
    assert client.get(page_of(row)).status_code == 403
    TableImport.objects.update(uploaded_by=client.session["_auth_user_id"])
    assert "theirs.csv" in client.get(address).text
    assert client.get(page_of(row)).status_code == 200

    of_symptoms = make_importer("symptom")
    client.force_login(of_symptoms)
    TableImport.objects.update(uploaded_by=of_symptoms)  # and has since lost the right to import patients
    assert "theirs.csv" not in client.get(address).text


def test_an_import_into_a_table_that_is_gone_keeps_nobody_from_the_first_page(admin_client):
    upload(admin_client, *many(LARGE), name="monday.csv")
    gone = ContentType.objects.create(app_label="taken_out", model="bygone")
    TableImport.objects.update(content_type=gone)
    page = admin_client.get("/admin/")
    assert page.status_code == 200
    assert "monday.csv" not in page.text


@pytest.mark.parametrize("who", ["front_desk", "clinician"])
def test_who_imports_nothing_has_no_such_block(client, request, who):
    client.force_login(request.getfixturevalue(who))
    assert [client.get(address).status_code for address in (RUNNING, FAILED)] == [404, 404]


def test_what_failed_says_why_and_where_to_go_on(admin_client):
    upload(admin_client, *many(LARGE), name="monday.csv")
    row = TableImport.objects.get()
    lapsed = timezone.now() - datetime.timedelta(seconds=1)
    TableImport.objects.update(status="checking", attempts=3, lease_token="a dead worker", lease_until=lapsed)
    assert "monday.csv" not in admin_client.get(FAILED).text
    runs.run_waiting()
    told = admin_client.get("/admin/").text
    for words in ("Imports that failed", f'href="{page_of(row)}">monday.csv</a>', STOPPED, "Choose another file"):
        assert words in told
    assert "monday.csv" not in admin_client.get(RUNNING).text


def test_what_failed_leaves_the_page_once_the_table_is_imported_or_after_a_week(admin_client, administrator):
    for _ in range(2):
        upload(admin_client, *many(LARGE), name="monday.csv")
    first, second = TableImport.objects.order_by("pk")
    fail(second)
    assert "monday.csv" in admin_client.get(FAILED).text
    TableImport.objects.filter(pk=first.pk).update(status="done")  # was begun before the other failed
    assert "monday.csv" in admin_client.get(FAILED).text

    TableImport.objects.update(finished_at=timezone.now() - datetime.timedelta(days=8))
    assert "monday.csv" not in admin_client.get(FAILED).text
    fail(second)
    admin_client.post(CONFIRM, {"key": key_in(upload(admin_client, MEI_LING)), "decision": "all"})
    assert "monday.csv" not in admin_client.get(FAILED).text
