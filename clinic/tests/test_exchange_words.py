"""Files in the words of whoever made them: Chinese or English, whatever language the importing person reads."""

import csv
import io

import pytest
from django.urls import reverse
from django.utils import translation
from model_bakery import baker

from clinic.models import Appointment, LikertQuestion, OpeningHours, Patient, Symptom
from clinic.resources import AppointmentResource, OpeningHoursResource, PatientResource
from clinic.tests.exchanged import problems, take_in
from clinic.tests.tables import CONFIRM, IMPORT, key_in, upload

pytestmark = pytest.mark.django_db

CHINESE = {"Accept-Language": "zh-TW,zh;q=0.9"}
EXPORT = reverse("admin:clinic_patient_export")


@pytest.mark.parametrize("reader", ["en", "zh-hant"])
@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (["姓名", "生日", "性別", "電話"], ["王小明", "1990-01-31", "男", "0922 333 444"]),
        (["病患姓名", "出生年月日：", "性別 ", "行動電話"], ["王小明", "1990-01-31", "男性", "0922333444"]),
        (["Full name", "Date of birth", "Sex", "Phone"], ["王小明", "1990/01/31", "Male", "0922 333 444"]),
        (["full_name", "生日", "ＳＥＸ", "phone"], ["王小明", "1990-01-31", "m", "0922 333 444"]),
        (["姓名*", "生日（西元）", "性別", "電話(手機)"], ["王小明", "1990年1月31日", "先生", "0922333444"]),
        (["\ufeff姓名", "生日\u200b", "性別", "phone"], ["王小明", "079/1/31", "男\u200b", ""]),
    ],
)
def test_the_columns_and_choices_of_patients_are_read_in_both_languages(administrator, reader, columns, row):
    with translation.override(reader):
        done = take_in(PatientResource, columns, row, by=administrator)
    assert done.errors == []
    patient = Patient.objects.get()
    assert (patient.full_name, str(patient.date_of_birth), patient.sex) == ("王小明", "1990-01-31", "male")


@pytest.mark.parametrize("word", ["早上", "上午", "早診", "Morning", "morning"])
@pytest.mark.parametrize(
    ("weekday", "columns"),
    [
        ("星期一", ["星期", "時段", "時間", "名額"]),
        ("週一", ["週", "時段", "門診時間", "名額"]),
        ("一", ["星期", "時段", "時間", "名額"]),
    ],
)
def test_hours_are_read_in_both_languages(administrator, word, weekday, columns):
    assert take_in(OpeningHoursResource, columns, [weekday, word, "09:00-12:00", "12"], by=administrator).errors == []
    hours = OpeningHours.objects.get()
    assert (hours.weekday, hours.period, hours.capacity) == (0, "morning", 12)


@pytest.mark.parametrize("number", ["0", "1", "１"])
def test_the_number_of_a_weekday_is_not_guessed(administrator, number):
    columns = ["星期", "時段", "時間", "名額"]
    done = take_in(OpeningHoursResource, columns, [number, "早上", "09:00-12:00", "12"], by=administrator)
    assert [error.column for error in done.errors] == ["星期"]


def test_visits_are_read_in_chinese_with_their_symptoms_and_answers(session, administrator):
    baker.make(Patient, full_name="王小明", date_of_birth="1990-01-31", national_id="")
    baker.make(Symptom, name="Cough", name_other="咳嗽")
    baker.make(Symptom, name="發燒")
    question = baker.make(LikertQuestion, text="How well do you sleep?", text_other="您睡得好嗎？", is_required=False)
    columns = ["姓名", "生日", "看診日期", "時段", "症狀", "您睡得好嗎？"]
    done = take_in(
        AppointmentResource,
        columns,
        ["王小明", "1990-01-31", str(session.date), "早上", "咳嗽、發燒", "5"],
        by=administrator,
    )
    assert done.errors == []
    visit = Appointment.objects.get()
    assert {symptom.name for symptom in visit.symptoms.all()} == {"Cough", "發燒"}
    assert visit.likert_answers.get(question=question).score == 5


def test_two_columns_that_mean_one_are_an_error_that_names_both(administrator):
    done = take_in(PatientResource, ["姓名", "生日", "sex", "full_name"], ["王小明", "1990-01-31", "男", "王大明"])
    assert problems(done) == [(1, "full_name", "full_name")]
    assert done.errors[0].problem == "“姓名” and “full_name” both mean “full_name”."
    assert done.errors[0].remedy == "Keep one of them."
    assert not Patient.objects.exists()


def test_an_error_names_the_column_as_the_file_does_and_one_that_is_missing_as_the_page_does(administrator):
    with translation.override("zh-hant"):
        done = take_in(PatientResource, ["姓名", "生日"], ["王小明", "昨天"], by=administrator)
    assert {(error.line, error.column) for error in done.errors} == {(2, "性別")}
    done = take_in(PatientResource, ["姓名", "生日", "性別"], ["王小明", "昨天", "男"], by=administrator)
    assert problems(done) == [(2, "生日", "昨天")]
    with translation.override("zh-hant"):
        done = take_in(PatientResource, ["姓名", "生 日期", "性別"], ["王小明", "1990-01-31", "男"])
    assert "生日" in done.errors[0].remedy


def test_a_chinese_file_goes_through_the_pages_of_somebody_who_reads_english(admin_client):
    page = upload(admin_client, ["王小明", "1990-01-31", "男"], columns=["姓名", "生日", "性別"])
    assert "姓名" in page.text
    admin_client.post(CONFIRM, {"key": key_in(page), "decision": "all"})
    assert Patient.objects.get().sex == "male"


def exported(client, **chosen) -> list[list[str]]:
    columns = ["full_name", "date_of_birth", "sex"]
    response = client.post(EXPORT, {"file_format": "csv", "columns": columns} | chosen, headers=CHINESE)
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def test_an_export_has_the_stable_names_in_whatever_language_unless_the_readers_are_chosen(admin_client):
    baker.make(Patient, full_name="王小明", date_of_birth="1990-01-31", sex="male")
    stable = [["full_name", "date_of_birth", "sex"], ["王小明", "1990-01-31", "male"]]
    assert exported(admin_client) == stable
    assert exported(admin_client, names="stable") == stable
    assert exported(admin_client, names="own") == [["姓名", "生日", "性別"], ["王小明", "1990-01-31", "男"]]
    page = admin_client.get(EXPORT, headers=CHINESE).text
    assert "以你的語言顯示" in page


def test_who_reads_chinese_is_told_the_columns_in_chinese_and_gets_such_an_empty_table(admin_client):
    page = admin_client.get(IMPORT, headers=CHINESE).text
    assert "<code>full_name</code></th><td>姓名" in page
    assert "<code>女</code>" in page
    template = admin_client.get(f"{IMPORT}template/csv/", headers=CHINESE)
    assert b"".join(template.streaming_content).decode("utf-8-sig").startswith("姓名,生日,性別,身分證字號")
