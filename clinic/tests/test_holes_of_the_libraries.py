"""Holes of the libraries that we build on: each is open in the library's own class, and closed in ours.

The confirm step is in test_import_confirm.py, who may only view and goes back to a version in test_history.py.
"""

import csv
import io
from pathlib import Path

import jazzmin
import pytest
from django.contrib import admin
from django.contrib.messages import ERROR, INFO, SUCCESS, WARNING
from django.contrib.messages.storage.base import Message
from django.core.exceptions import PermissionDenied
from django.template import Context, Template
from django.template.loader import render_to_string
from django.template.loader_tags import BlockNode
from django.urls import reverse
from import_export.admin import ImportExportMixin
from import_export.formats.base_formats import CSV
from import_export.resources import ModelResource
from simple_history.admin import SimpleHistoryAdmin
from tablib import Dataset

from backoffice.admin import HistoryAdmin
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


def test_without_a_code_the_library_lets_any_staff_import_and_export(rf, django_user_model):
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


# -- History pages and `get_queryset` ---------------------------------------------------------------------------------


class ColdsOnly:
    """An admin that shows some of the rows, as one for each department would."""

    def get_queryset(self, request):
        return super().get_queryset(request).filter(name="Cold")


class StockColds(ColdsOnly, SimpleHistoryAdmin):
    pass


class OurColds(ColdsOnly, HistoryAdmin):
    pass


@pytest.fixture
def ask_for_history(rf, admin_user):
    """Open both history pages of a symptom that is no cold, as an administrator of colds."""
    fracture = Symptom.objects.create(name="Fracture")
    request = rf.get("/")
    request.user, request.id = admin_user, "a-request"

    def ask(admin_class: type[admin.ModelAdmin]) -> list:
        site = admin.AdminSite()
        site.register(Symptom, admin_class)
        colds = site.get_model_admin(Symptom)
        assert colds.get_object(request, str(fracture.pk)) is None
        version = str(fracture.history.get().pk)
        return [
            lambda: colds.history_view(request, str(fracture.pk)),
            lambda: colds.history_form_view(request, str(fracture.pk), version),
        ]

    return ask


def test_the_librarys_history_shows_what_the_admin_does_not(ask_for_history, monkeypatch):
    monkeypatch.setattr(StockColds, "render_history_view", lambda self, request, template, context: context)
    timeline, version = ask_for_history(StockColds)
    assert [str(row.instance) for row in timeline()["page_obj"]] == ["Fracture"]
    assert str(version()["original"]) == "Fracture"


def test_ours_refuses_it(ask_for_history):
    for page in ask_for_history(OurColds):
        with pytest.raises(PermissionDenied):
            page()


# -- Messages with tags of their own ----------------------------------------------------------------------------------


@pytest.fixture(params=[INFO, SUCCESS, WARNING, ERROR])
def messages_said(request) -> list[Message]:
    return [Message(request.param, "It is kept."), Message(request.param, "So is this.", extra_tags="upload")]


def jazzmins_messages() -> Template:
    """The part of the library's own page that shows the messages."""
    template = Template((Path(jazzmin.__file__).parent / "templates/admin/base.html").read_text())
    [block] = [node for node in template.nodelist.get_nodes_by_type(BlockNode) if node.name == "messages"]
    template.nodelist = block.nodelist
    return template


def test_messages_with_extra_tags_vanish_from_the_librarys_page(messages_said):
    shown = jazzmins_messages().render(Context({"messages": messages_said}))
    assert "It is kept." in shown
    assert "So is this." not in shown


def test_ours_shows_them_beside_the_others(messages_said):
    shown = render_to_string("admin/includes/messages.html", {"messages": messages_said})
    assert "It is kept." in shown
    assert "So is this." in shown
