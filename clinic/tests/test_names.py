"""Two ways of writing one name, and two names."""

import pytest
from django.urls import reverse
from model_bakery import baker

from clinic.models import Appointment, Patient
from clinic.patients.names import names_another_patient
from clinic.resources import AppointmentResource, PatientResource
from clinic.spelling import normalise_name
from clinic.tests.clinics import session_today
from clinic.tests.exchanged import take_in

PATIENTS = reverse("admin:clinic_patient_changelist")


@pytest.mark.parametrize(
    ("in_file", "on_record", "differs"),
    [
        ("Chen^Wei-Ting", "Chen Wei-Ting", False),
        ("CHEN^WEI TING", "Wei-Ting Chen", False),
        ("Chen^WeiTing", "Wei-Ting Chen", False),
        ("Chen^Wei-Ting^^Dr.^MD", "Mr. Chen Wei-Ting", False),
        ("O'Neil^Zoe\u0308", "Zoë O’Neil", False),
        ("STRASSE^Anna", "Anna Straße", False),
        ("\uff23hen^Wei-Ting", "Chen Wei-Ting", False),
        ("Wang^XiaoDong=王^小東", "王小東", False),
        ("Wang^XiaoDong=王^小東", "王小明", True),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "やまだ たろう", False),
        ("Doe^Archibald", "Chen Wei-Ting", True),
        ("^^^^", "Chen Wei-Ting", False),
        ("", "Chen Wei-Ting", False),
    ],
)
def test_it_notices_when_a_file_names_somebody_else(in_file, on_record, differs):
    assert names_another_patient(in_file, on_record) is differs


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("王　明", "王明"),
        ("山田 太郎", "山田太郎"),
        ("尤哈尼·伊斯卡", "尤哈尼‧伊斯卡"),
        ("尤哈尼 • 伊斯卡", "尤哈尼‧伊斯卡"),
        ("買買提．艾力", "買買提‧艾力"),
        ("ｼﾞｮﾝ･ｽﾐｽ", "ジョン・スミス"),
        ("ＷＡＮＧ Ｍｅｉ", "WANG Mei"),
        ("O’Brien", "O'Brien"),
        ("Jean–Luc", "Jean-Luc"),
        ("J. R. Smith", "J. R. Smith"),
        ("Gal·la", "Gal·la"),
        ("X", "X"),
    ],
)
def test_a_persons_name_is_kept_in_one_spelling(typed, kept):
    assert normalise_name(typed) == normalise_name(kept) == kept


@pytest.mark.django_db
@pytest.mark.parametrize("spelled", ["尤哈尼·伊斯卡", "尤哈尼．伊斯卡", "尤哈尼 ‧　伊斯卡", "尤哈尼‧伊斯\ufe00卡"])
def test_who_is_spelled_otherwise_is_found_booked_and_not_made_anew(client, front_desk, spelled):
    patient = baker.make(Patient, full_name="尤哈尼‧伊斯卡", date_of_birth="1980-01-02", sex="male", national_id="")
    client.force_login(front_desk)
    assert client.get(PATIENTS, {"q": spelled}).context["cl"].result_count == 1
    row = {"full_name": spelled, "date_of_birth": "1980-01-02", "sex": "male"}
    assert take_in(PatientResource, list(row), list(row.values())).unchanged == 1
    session = session_today()
    row = {"patient_full_name": spelled, "patient_date_of_birth": "1980-01-02", "date": session.date}
    row["period"] = session.period
    assert take_in(AppointmentResource, list(row), list(row.values())).errors == []
    assert Appointment.objects.get().patient == patient
