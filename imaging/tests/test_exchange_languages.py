"""Tables in both languages: every column and every choice is read by its English and its Chinese name, and what was
exported under either comes back."""

import csv
import io

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from model_bakery import baker

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.cells import ChoiceCell, YesNoCell
from backoffice.exchange.column_names import called, folded, known
from backoffice.models import User
from clinic.models import (
    Appointment,
    LikertAnswer,
    LikertQuestion,
    NumericAnswer,
    NumericQuestion,
    OpeningHours,
    Patient,
    Symptom,
    Weekday,
)
from clinic.tests.clinics import session_today, visit
from clinic.tests.exchanged import as_csv, as_xlsx, take_back
from imaging.models import XRayImage

pytestmark = pytest.mark.django_db

LANGUAGES = [None, "en", "zh-hant"]
RESOURCES = {
    resource: model
    for model, registered in admin.site._registry.items()
    if (resource := getattr(registered, "resource_class", None)) and "import" in model._meta.default_permissions
}
"""Of every table that goes in and out; reports only go out."""
HEADERS = {
    User: ["使用者名稱", "角色"],
    Patient: ["姓名", "生日", "性別", "身分證字號", "電話", "電子郵件", "備註"],
    Symptom: ["名稱", "名稱（另一種語言）", "順序", "提供勾選"],
    LikertQuestion: ["題目", "題目（另一種語言）", "1 分的說明", "7 分的說明（另一種語言）"],
    NumericQuestion: ["單位", "單位（另一種語言）", "最小值"],
    OpeningHours: ["星期", "時段", "名額"],
    Appointment: ["病人的姓名", "時段", "號碼", "症狀", "您睡得好嗎？", "您睡得好嗎？ (2)"],
    XRayImage: ["病人的姓名", "拍攝日期"],
}


@pytest.fixture
def everything(front_desk):
    """A row of every table, with names that are alike in one language and not in the other."""
    baker.make(LikertQuestion, text="How well do you sleep?", text_other="您睡得好嗎？", min_label="1", max_label="7")
    baker.make(NumericQuestion, text="您睡得好嗎？", unit="小時", unit_other="hours", minimum=None, maximum=None)
    baker.make(Symptom, name="Cough, dry", name_other="乾咳")
    baker.make(Symptom, name="乾咳", name_other="Hoarseness")
    baker.make(Symptom, name="Fever", name_other="發燒")
    session = session_today(capacity=9)
    for number, status in enumerate(Appointment.Status.values):
        row = visit(session)
        Patient.objects.filter(pk=row.patient_id).update(
            full_name=f"Lin {number}", sex=Patient.Sex.values[number % 3], date_of_birth="1984-05-02", national_id=""
        )
        row.symptoms.set(Symptom.objects.filter(pk__gt=number % 3))
        changes = {"status": status, "source": Appointment.Source.values[number % 3], "notes": "備註"}
        changes |= {"claimed": {"sex": "other"}, "language": ["en", "zh-hant"][number % 2]}
        called_at = "2026-01-02T03:04:05Z" if status == "called" else None
        Appointment.objects.filter(pk=row.pk).update(called_at=called_at, **changes)
        for answers, questions, field in (
            (LikertAnswer, LikertQuestion, "score"),
            (NumericAnswer, NumericQuestion, "value"),
        ):
            question = questions.objects.get(text__in=["How well do you sleep?", "您睡得好嗎？"])
            baker.make(answers, appointment=row, question=question, **{field: 1 + number})
    for day in Weekday.values:
        baker.make(
            OpeningHours,
            weekday=day,
            period="evening",
            opens_at="18:00",
            closes_at="21:00",
            capacity=8,
            is_open=day % 2,
        )
    baker.make(XRayImage, patient=Patient.objects.first(), sha256="ab" * 32, view="PA", taken_on="2026-11-20")
    front_desk.groups.add(Group.objects.get(name="Clinicians"))


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.__name__)
def test_every_column_has_its_own_name_in_each_language_and_is_read_by_it(everything, resource):
    fields = resource().columns_of_files()
    meant = known(fields)
    for language in LANGUAGES:
        names = called(fields, language)
        assert {name: meant[folded(title)] for name, title in names.items()} == {name: [name] for name in names}
    assert set(HEADERS[RESOURCES[resource]]) <= set(called(fields, "zh-hant").values())


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.__name__)
def test_every_choice_is_read_by_its_name_in_each_language(resource):
    for field in resource().columns_of_files():
        cell = field.widget
        values = [value for value, _label in cell.choices] if isinstance(cell, ChoiceCell) else []
        for value in [True, False] if isinstance(cell, YesNoCell) else filter(None, values):
            assert [cell.clean(str(cell.render(value, language))) for language in LANGUAGES] == [value] * 3


def test_every_table_that_goes_in_and_out_is_tested_here():
    assert set(RESOURCES.values()) == set(HEADERS)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.__name__)
def test_what_was_exported_in_a_language_says_what_is_on_file(everything, resource):
    rows = RESOURCES[resource].objects.order_by("pk")
    assert rows.count() > 0
    for export, kind in ((as_csv, "csv"), (as_xlsx, "xlsx")):
        for language in LANGUAGES:
            done = take_back(resource, export(resource, rows, language), f"table.{kind}")
            told = (done.errors, done.unchanged, done.read)
            assert told == ([], rows.count(), rows.count()), f"{kind}, {language}"


@pytest.mark.parametrize("model", [Symptom, LikertQuestion, NumericQuestion, OpeningHours])
def test_a_table_in_chinese_fills_an_empty_installation(everything, model):
    resource: type[ExchangeResource] = next(one for one, of in RESOURCES.items() if of is model)
    for answers in (LikertAnswer, NumericAnswer):
        answers.objects.all().delete()
    columns = [field.attname for field in model._meta.fields if field.attname not in {"id", "created_at", "updated_at"}]
    rows = model.objects.order_by("pk")
    before, file = list(rows.values(*columns)), as_csv(resource, rows, "zh-hant")
    model.objects.all().delete()
    assert take_back(resource, file, "table.csv").errors == []
    assert list(model.objects.order_by("pk").values(*columns)) == before


def test_an_export_in_chinese_holds_no_english_name_of_a_column_or_a_choice(everything):
    resource = next(one for one, of in RESOURCES.items() if of is Appointment)
    text = as_csv(resource, Appointment.objects.order_by("pk"), "zh-hant").decode("utf-8-sig")
    first = next(csv.DictReader(io.StringIO(text)))
    assert not set(first) & set(resource.Meta.fields)
    assert (first["時段"], first["狀態"], first["掛號時所填性別"]) != ("morning", "booked", "other")
    assert first["掛號時所填性別"] == "其他"
