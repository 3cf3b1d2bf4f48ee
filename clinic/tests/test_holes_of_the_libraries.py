"""Holes of the libraries that we build on: each is open in the library's own class, and closed in ours.

The confirm step is in test_import_confirm.py, going back to a version in test_history.py.
"""

import csv
import io

import pytest
from django.contrib import admin
from django.urls import reverse
from import_export.admin import ImportExportMixin
from import_export.formats.base_formats import CSV
from import_export.resources import ModelResource
from tablib import Dataset

from backoffice.exchange.formulas import formula_safe
from backoffice.exchange.importing import run_import
from backoffice.exchange.reading import read_table
from clinic.models import Symptom
from clinic.resources import SymptomResource

pytestmark = pytest.mark.django_db

FORMULAS = ["=1+1", "==1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1"]


def is_run_by_a_spreadsheet(cell: str) -> bool:
    return cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_formulas_leave_the_librarys_export_alive(settings):
    settings.IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
    exported = CSV().export_data(Dataset(*[[text] for text in FORMULAS], headers=["name"]))
    assert any(is_run_by_a_spreadsheet(row["name"]) for row in csv.DictReader(io.StringIO(exported)))


def test_formulas_leave_ours_as_text(client, administrator):
    for text in FORMULAS:
        Symptom.objects.create(name=text)
    client.force_login(administrator)
    export = reverse("admin:clinic_symptom_export")
    sent = client.post(export, {"file_format": "csv", "columns": ["name"]})
    rows = list(csv.DictReader(io.StringIO(sent.getvalue().decode("utf-8-sig"))))
    assert {row["name"] for row in rows} == {formula_safe(text) for text in FORMULAS}
    assert not any(is_run_by_a_spreadsheet(row["name"]) for row in rows)


def stock_admin():
    class Stock(ImportExportMixin, admin.ModelAdmin):
        pass

    return Stock(Symptom, admin.site)


def test_without_a_code_the_library_lets_any_staff_import_and_export(rf, settings, django_user_model):
    settings.IMPORT_EXPORT_IMPORT_PERMISSION_CODE = settings.IMPORT_EXPORT_EXPORT_PERMISSION_CODE = None
    request = rf.get("/")
    request.user = django_user_model.objects.create_user("nobody", is_staff=True)
    assert stock_admin().has_import_permission(request)
    assert stock_admin().has_export_permission(request)


@pytest.mark.parametrize("page", ["import", "process_import", "export"])
def test_ours_lets_nobody_but_administrators(page, client, front_desk, clinician):
    for person in (front_desk, clinician):
        client.force_login(person)
        assert client.get(reverse(f"admin:clinic_symptom_{page}")).status_code == 403
        assert client.post(reverse(f"admin:clinic_symptom_{page}")).status_code == 403


class StockSymptoms(ModelResource):
    class Meta:
        model = Symptom
        fields = ["name"]
        import_id_fields = ["name"]
        use_bulk = True


def test_the_librarys_bulk_import_writes_no_history():
    StockSymptoms().import_data(Dataset(["Cough"], headers=["name"]), raise_errors=True)
    assert Symptom.objects.get().history.count() == 0


def test_ours_writes_who_imported_what(administrator):
    table = read_table(io.BytesIO(b"name\nCough\n"), "symptoms.csv")
    run_import(SymptomResource(), table, by=administrator, dry_run=False)
    version = Symptom.objects.get().history.get()
    assert version.history_user == administrator
    assert "symptoms.csv" in version.history_change_reason


def test_many_rows_at_once_leave_no_history_and_hiding_many_does(administrator):
    for name in ("Cough", "Fever"):
        Symptom.objects.create(name=name)
    before = Symptom.history.count()
    Symptom.objects.update(position=3)
    assert Symptom.history.count() == before
    Symptom.objects.all().hide(by=administrator, reason="Asked for no more")
    assert Symptom.history.filter(history_user=administrator).count() == 2
