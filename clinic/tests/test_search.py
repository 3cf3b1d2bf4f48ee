"""Patients and their visits are found by what people type."""

import json

import pytest
from django.contrib.admin import site
from django.urls import reverse
from model_bakery import baker

from backoffice.admin.base import changelists
from backoffice.records import search
from clinic.models import Appointment, Patient, new_reference
from clinic.tests.clinics import session_today, visit

PATIENTS = reverse("admin:clinic_patient_changelist")
VISITS = reverse("admin:clinic_appointment_changelist")

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["among few", "among many"])
def desk(request, client, front_desk, monkeypatch):
    if request.param == "among many":
        monkeypatch.setattr(changelists, "FEW", 0)
    client.force_login(front_desk)
    return client


@pytest.fixture
def people():
    baker.make(Patient, full_name="Mei Chang", national_id="A123456789", phone="0912 345 678", email="mei@example.org")
    baker.make(Patient, full_name="王小明", national_id="")
    baker.make(Patient, full_name="Ｋａｉ Lin", national_id="")


def found(client, typed: str, page: str = PATIENTS) -> set[str]:
    return {str(row) for row in client.get(page, {"q": typed}).context["cl"].result_list}


@pytest.mark.parametrize("typed", ["Mei Chang", "chang", "CHANG mei", "ｍｅｉ", "  mei   chang ", "ang me"])
def test_a_name_is_found_by_any_of_its_words_in_either_case_and_width(desk, people, typed):
    assert found(desk, typed) == {"Mei Chang"}


@pytest.mark.parametrize("typed", ["王", "王小", "小明", "王小明"])
def test_a_chinese_name_is_found_by_any_of_its_characters(desk, people, typed):
    assert found(desk, typed) == {"王小明"}


def test_a_name_kept_in_full_width_is_found(desk, people):
    assert found(desk, "Kai") == {"Ｋａｉ Lin"}


@pytest.mark.parametrize("typed", ["0912 345", "345 678", "mei@exam", "EXAMPLE.org"])
def test_phone_and_mail_are_found_by_a_part(desk, people, typed):
    assert found(desk, typed) == {"Mei Chang"}


@pytest.mark.parametrize("typed", ["A123456789", "a123456789", "Ａ１２３ ４５６ ７８９"])
def test_the_whole_national_id_is_found(desk, people, typed):
    assert found(desk, typed) == {"Mei Chang"}


@pytest.mark.parametrize("typed", ["A12345678", "23456789", "A1234", "A1234567890"])
def test_a_part_of_a_national_id_tells_nothing(desk, people, typed):
    assert found(desk, typed) == set()


@pytest.mark.parametrize("typed", ["%", "_", "' OR 1=1 --", "a" * 10_000, "\\", "\ud800", "🙂", "()", "*"])
def test_nonsense_finds_nobody(desk, people, typed):
    answer = desk.get(PATIENTS, {"q": typed.encode("utf-8", "replace").decode()})
    assert answer.status_code == 200
    assert not answer.context["cl"].result_list


@pytest.mark.parametrize("desk", ["among many"], indirect=True)
def test_no_string_known_for_trouble_makes_any(desk, people, real_files):
    for typed in json.loads((real_files / "blns.json").read_text()):
        asked = {"app_label": "clinic", "model_name": "appointment", "field_name": "patient"}
        asked["term"] = typed.encode("utf-8", "replace").decode()
        assert desk.get(reverse("admin:autocomplete"), asked).status_code == 200


def test_a_visit_is_found_by_its_patient_and_by_its_whole_reference(desk):
    session = session_today()
    mine, _other = visit(session), visit(session)
    Patient.objects.filter(pk=mine.patient_id).update(full_name="Mei Chang")
    itself = {str(type(mine).objects.get(pk=mine.pk))}
    assert found(desk, "chang", VISITS) == found(desk, mine.reference, VISITS) == itself
    assert found(desk, mine.reference[:-1], VISITS) == set()


def test_a_reference_is_not_looked_for_in_names_too():
    """The two are in two tables: no database answers that by an index."""
    visit(session_today())
    admin_of_visits = site.get_model_admin(Appointment)
    rows, _twice = admin_of_visits.get_search_results(None, Appointment.objects.all(), new_reference())
    assert "clinic_patient" not in str(rows.order_by().query)


def test_in_a_large_table_without_trigrams_a_name_is_found_by_its_beginning(desk, people, monkeypatch):
    monkeypatch.setattr(search, "LISTED", 2)
    assert found(desk, "mei c") == {"Mei Chang"}
    assert found(desk, "王小") == {"王小明"}
    assert found(desk, "chang") == set()


PEOPLE = """
from django.contrib import admin
from clinic.models import Patient
for name in ["Mei Chang", "王小明", "陳明", "Ｋａｉ Lin", "Wu Li Chen"]:
    Patient.objects.create(full_name=name, date_of_birth="1990-01-01", phone="0912345678")
Patient.objects.filter(full_name="陳明").update(national_id="A123456789")
admin = admin.site.get_model_admin(Patient)
for typed in ["mei", "chang mei", "王", "王小", "小明", "陳明", "Kai", "li", "A123456789", "A12345678", "%", "zz"]:
    rows, _twice = admin.get_search_results(None, Patient.objects.all(), typed)
    print(typed, "=", *(row.full_name for row in rows.order_by("pk")))
"""


@pytest.mark.slow
def test_both_databases_find_the_same(installation):
    assert installation.python(PEOPLE).splitlines() == [
        "mei = Mei Chang",
        "chang mei = Mei Chang",
        "王 = 王小明",
        "王小 = 王小明",
        "小明 = 王小明",
        "陳明 = 陳明",
        "Kai = Ｋａｉ Lin",
        "li = Ｋａｉ Lin Wu Li Chen",
        "A123456789 = 陳明",
        "A12345678 =",
        "% =",
        "zz =",
    ]


PLAN = """
from django.contrib import admin
from django.db import connection
from clinic.models import Patient
with connection.cursor() as cursor:
    cursor.execute("SET enable_seqscan = off")  # which an empty table would be quicker with
admin = admin.site.get_model_admin(Patient)
for typed in ["abcde", "小明", "0912"]:
    rows, _twice = admin.get_search_results(None, Patient.objects.order_by(), typed)
    print(rows.explain())
"""


@pytest.mark.slow
@pytest.mark.parametrize("installation", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_postgres_answers_a_search_by_trigrams(installation):
    plan = installation.python(PLAN)
    assert "Seq Scan" not in plan
    assert "patient_search_name" in plan
    assert "patient_search_phone" in plan
