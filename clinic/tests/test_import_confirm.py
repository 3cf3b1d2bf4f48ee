"""The confirm step. import-export's own takes the name of a file, and with it any file there is; ours takes the signed
key of a row, and looks at everything else there."""

from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import Permission
from django.core import signing
from django.urls import reverse
from import_export.admin import ImportMixin
from import_export.tmp_storages import TempFolderStorage

from backoffice.imports import runs, uploads
from backoffice.models import TableImport
from clinic.models import Patient, Symptom
from clinic.tests.tables import CONFIRM, MEI_LING, key_in, many, upload

pytestmark = pytest.mark.django_db

OF_SYMPTOMS = reverse("admin:clinic_symptom_process_import")


@pytest.fixture
def other_importer(db, django_user_model):
    """Somebody who may import patients, and is no administrator."""
    person = django_user_model.objects.create_user("importer", is_staff=True)
    person.user_permissions.add(*Permission.objects.filter(codename__in=["import_patient", "view_patient"]))
    return person


def confirm(client, key, url=CONFIRM, decision="all"):
    return client.post(url, {"key": key, "decision": decision})


def test_the_librarys_own_step_writes_and_deletes_a_file_that_somebody_else_uploaded(rf, administrator):
    """The hole, open: one who knows or guesses the name of a temporary file needs nothing else."""

    class Stock(ImportMixin, ModelAdmin):
        def process_result(self, result, request):
            return result

    theirs = TempFolderStorage()
    theirs.save(b"name\ncough\n")
    crafted = rf.post("/", {"import_file_name": theirs.name, "original_file_name": "mine.csv", "format": "0"})
    crafted.user = administrator
    Stock(Symptom, admin.site).process_import(crafted)
    assert Symptom.objects.get().name == "cough"
    assert not Path(theirs.get_full_path()).exists()


@pytest.mark.parametrize("name", ["import_file_name", "key", ""])
def test_a_file_named_in_the_request_is_nothing_to_us(admin_client, name):
    upload(admin_client, MEI_LING)
    row = TableImport.objects.get()
    response = admin_client.post(
        CONFIRM, {name: row.file.name, "format": "0", "original_file_name": "a.csv", "decision": "all"}
    )
    assert response.status_code == 404
    assert "No such file waits here" in response.text
    assert_nothing_happened(row)


def test_a_key_that_we_did_not_make_is_refused(admin_client):
    key = key_in(upload(admin_client, MEI_LING))
    row = TableImport.objects.get()
    value = key.rpartition(":")[0]
    for forged in (value, f"{value}:", key[:-1], signing.Signer(salt="another").sign(value), key.replace("-", "0-", 1)):
        assert confirm(admin_client, forged).status_code == 404
    assert_nothing_happened(row)


def test_another_tables_key_is_refused(admin_client):
    key = key_in(upload(admin_client, MEI_LING))
    assert confirm(admin_client, key, OF_SYMPTOMS).status_code == 404
    assert_nothing_happened(TableImport.objects.get())
    assert not Symptom.objects.exists()


def test_somebody_elses_file_is_refused_but_to_an_administrator(client, administrator, other_importer):
    client.force_login(administrator)
    key = key_in(upload(client, MEI_LING))
    row = TableImport.objects.get()
    client.force_login(other_importer)
    for decision in ("all", "good", "cancel"):
        assert confirm(client, key, decision=decision).status_code == 403
    assert client.get(reverse("admin:clinic_patient_import_result", args=[row.pk])).status_code == 403
    assert client.get(reverse("admin:clinic_patient_import_problems", args=[row.pk])).status_code == 403
    assert_nothing_happened(row)

    theirs = key_in(upload(client, MEI_LING))
    client.force_login(administrator)
    assert confirm(client, theirs).status_code == 302
    written = Patient.objects.get().history.get()
    assert written.history_user == administrator


def test_a_key_is_good_once(admin_client):
    key = key_in(upload(admin_client, MEI_LING))
    assert confirm(admin_client, key).status_code == 302
    Patient.objects.update(phone="mended since")
    again = confirm(admin_client, key)
    assert again.status_code == 409
    assert "does not wait to be confirmed any more" in again.text
    assert Patient.objects.get().phone == "mended since"
    assert confirm(admin_client, key, decision="cancel").status_code == 409


def test_a_cancelled_file_stays_cancelled(admin_client):
    key = key_in(upload(admin_client, MEI_LING))
    assert confirm(admin_client, key, decision="cancel").status_code == 302
    assert confirm(admin_client, key).status_code == 409
    assert not Patient.objects.exists()


def test_a_file_that_is_not_the_one_that_was_checked_is_refused(admin_client):
    key = key_in(upload(admin_client, MEI_LING))
    row = TableImport.objects.get()
    with open(row.file.path, "ab") as file:
        file.write(b"Somebody Else,1984-05-02,male,\r\n")
    response = confirm(admin_client, key)
    assert response.status_code == 409
    assert "not the one that was checked" in response.text
    assert not Patient.objects.exists()


def test_a_file_that_changes_while_it_waits_for_its_worker_is_not_written(admin_client):
    upload(admin_client, *many(uploads.SMALL + 1))
    runs.run_waiting()
    row = TableImport.objects.get()
    page = admin_client.get(reverse("admin:clinic_patient_import_result", args=[row.pk]))
    assert confirm(admin_client, key_in(page)).status_code == 302
    with open(row.file.path, "ab") as file:
        file.write(b"Somebody Else,1984-05-02,male,\r\n")
    runs.run_waiting()
    row.refresh_from_db()
    assert row.status == TableImport.Status.FAILED
    assert not Patient.objects.exists()


def test_what_is_not_checked_yet_cannot_be_confirmed(admin_client):
    page = upload(admin_client, *many(uploads.SMALL + 1))
    assert confirm(admin_client, key_in(page)).status_code == 409
    assert TableImport.objects.get().status == TableImport.Status.TO_CHECK


def test_a_decision_that_there_is_not_is_refused(admin_client):
    key = key_in(upload(admin_client, MEI_LING))
    assert confirm(admin_client, key, decision="everything").status_code == 409
    assert_nothing_happened(TableImport.objects.get())


def test_nobody_without_the_permission_reaches_any_page(client, front_desk, clinician, administrator):
    client.force_login(administrator)
    key = key_in(upload(client, MEI_LING))
    row = TableImport.objects.get()
    pages = [
        reverse("admin:clinic_patient_import"),
        reverse("admin:clinic_patient_export"),
        reverse("admin:clinic_patient_import_template", args=["csv"]),
        reverse("admin:clinic_patient_import_result", args=[row.pk]),
        reverse("admin:clinic_patient_import_problems", args=[row.pk]),
        reverse("admin:backoffice_tableimport_changelist"),
        CONFIRM,
    ]
    for person in (front_desk, clinician):
        client.force_login(person)
        for page in pages:
            assert (page, client.get(page).status_code) == (page, 403)
            assert (page, client.post(page, {"key": key, "decision": "all"}).status_code) == (page, 403)
        listed = client.get(reverse("admin:clinic_patient_changelist")).text
        assert reverse("admin:clinic_patient_import") not in listed
        assert reverse("admin:clinic_patient_export") not in listed
    assert_nothing_happened(row)


def assert_nothing_happened(row: TableImport) -> None:
    row.refresh_from_db()
    assert row.status == TableImport.Status.CHECKED
    assert row.file.storage.exists(row.file.name)
    assert not Patient.objects.exists()
