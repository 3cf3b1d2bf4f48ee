"""Whose a film is: what its file says is held against the patient it is put with."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from clinic.models import Patient
from clinic.patients import merging
from clinic.resources import PatientResource
from clinic.tests.exchanged import take_in
from imaging import whose
from imaging.decoded import Named
from imaging.models import XRayImage
from imaging.tests.pictures import gradient, png
from imaging.tests.test_dicom import film

ADD = "/admin/imaging/xrayimage/add/"
ITS_OWN = {
    "PatientName": "CHEN^WEI TING",
    "PatientBirthDate": "19720304",
    "PatientSex": "F",
    "PatientID": "a123456789",
    "AcquisitionDate": "20200304",
}


@pytest.fixture
def upload(client, clinician, patient):
    client.force_login(clinician)

    def post(data: bytes, to=patient, name="film.dcm", **fields):
        return client.post(ADD, {"patient": to.pk, "files": SimpleUploadedFile(name, data), **fields}, follow=True)

    return post


def said(page) -> str:
    return " ".join(str(message) for message in page.context["messages"])


@pytest.mark.parametrize(
    ("tags", "conflict", "words"),
    [
        ({}, {}, ""),
        ({"PatientBirthDate": "", "PatientSex": "", "PatientID": "", "PatientName": ""}, {}, ""),
        ({"PatientID": "12345"}, {}, ""),
        ({"PatientName": "Doe^Archibald"}, {"full_name": "Doe^Archibald"}, "names another patient, Doe^Archibald"),
        ({"PatientBirthDate": "19500101"}, {"date_of_birth": "1950-01-01"}, "gives another date of birth"),
        ({"PatientSex": "M"}, {"sex": "male"}, "gives another sex, male"),
        ({"PatientID": "B123456780"}, {"national_id": "•••••••780"}, "gives another national ID, •••••••780"),
    ],
)
def test_what_contradicts_the_patient_waits_for_a_reason_and_stays_on_the_film(upload, client, tags, conflict, words):
    data = film(gradient(), **(ITS_OWN | tags))
    page = upload(data)
    assert XRayImage.objects.exists() is not bool(conflict)
    assert words in said(page)
    assert ('name="confirmed_because"' in page.text) is bool(conflict)
    page = upload(data, confirmed_because="Mistyped at the machine") if conflict else page
    xray = XRayImage.objects.get()
    assert xray.identity_conflict == conflict
    assert words in said(page)
    again = client.get(reverse("admin:imaging_xrayimage_change", args=[xray.pk])).text
    assert words in again
    assert ("Mistyped at the machine" in again) is bool(conflict)
    assert "Mistyped" in XRayImage.objects.get().history.get().history_change_reason or not conflict


def test_a_number_that_another_patient_has_is_told_where_this_one_has_none(upload, patient, other_patient):
    Patient.objects.filter(pk=patient.pk).update(national_id="")
    upload(film(gradient(), **(ITS_OWN | {"PatientID": other_patient.national_id})), confirmed_because="asked")
    assert XRayImage.objects.get().identity_conflict == {"national_id": "•••••••780"}


def test_a_film_put_with_another_patient_is_compared_with_that_one(upload, client, patient, other_patient):
    upload(film(gradient(), **ITS_OWN), to=other_patient, confirmed_because="asked")
    xray = XRayImage.objects.get()
    assert set(xray.identity_conflict) == {"full_name", "date_of_birth", "national_id"}
    page = reverse("admin:imaging_xrayimage_change", args=[xray.pk])
    values = {field.html_name: field.value() or "" for field in client.get(page).context["adminform"].form}
    client.post(page, values | {"patient": patient.pk})
    xray.refresh_from_db()
    assert (xray.patient, xray.identity_conflict) == (patient, {})


# -- Asked again when the patient is another, or called otherwise ------------------------------------------------------


def conflict() -> dict:
    return XRayImage.objects.get().identity_conflict


def test_a_name_that_is_corrected_settles_what_the_file_says(
    upload, patient, client, django_capture_on_commit_callbacks
):
    Patient.objects.filter(pk=patient.pk).update(full_name="Chen Wei")
    upload(film(gradient(), **ITS_OWN), confirmed_because="asked")
    assert set(conflict()) == {"full_name"}
    page = reverse("admin:clinic_patient_change", args=[patient.pk])
    form = {field.html_name: field.value() or "" for field in client.get(page).context["adminform"].form}
    rows = {f"{of}-{kind}_FORMS": "0" for of in ("appointments", "xrays") for kind in ("TOTAL", "INITIAL")}
    with django_capture_on_commit_callbacks(execute=True):
        client.post(page, form | rows | {"full_name": "Chen Wei-Ting"})
    assert conflict() == {}
    assert "Compared with" in XRayImage.objects.get().history.first().history_change_reason


def test_a_merge_and_its_undoing_ask_again(upload, patient, other_patient, django_capture_on_commit_callbacks):
    upload(film(gradient(), **ITS_OWN), to=patient)
    assert conflict() == {}
    with django_capture_on_commit_callbacks(execute=True):
        done = merging.merge(other_patient, patient, choices=[], by=None, reason="twice")
    assert set(conflict()) == {"full_name", "date_of_birth", "national_id"}
    with django_capture_on_commit_callbacks(execute=True):
        merging.undo(done, by=None)
    assert conflict() == {}


def test_an_import_that_corrects_a_day_of_birth_asks_again(upload, patient, django_capture_on_commit_callbacks):
    upload(film(gradient(), **ITS_OWN))
    with django_capture_on_commit_callbacks(execute=True):
        take_in(PatientResource, ["national_id", "date_of_birth"], [patient.national_id, "1972-03-05"])
    assert conflict() == {"date_of_birth": "1972-03-04"}


def test_a_file_taken_before_the_patient_was_born_is_told(upload, other_patient):
    Patient.objects.filter(pk=other_patient.pk).update(date_of_birth="2019-06-01")
    page = upload(film(gradient(), AcquisitionDate="20180101"), to=other_patient, confirmed_because="asked")
    assert XRayImage.objects.get().identity_conflict == {"taken_on": "2018-01-01"}
    assert "before the patient's birth or in the future" in said(page).replace("&#x27;", "'")


def test_a_file_taken_in_the_future_is_told_and_has_no_day(upload):
    page = upload(film(gradient(), AcquisitionDate="29990101"), confirmed_because="asked")
    xray = XRayImage.objects.get()
    assert (xray.taken_on, xray.identity_conflict) == (None, {"taken_on": "2999-01-01"})
    assert "in the future" in said(page)


@pytest.mark.parametrize(("day", "words"), [("2099-01-01", "still to come"), ("1960-01-01", "born later")])
def test_a_typed_day_that_cannot_be_is_an_error(upload, client, day, words):
    assert words in upload(png(), name="film.png", taken_on=day).text
    assert not XRayImage.objects.exists()
    upload(png(), name="film.png", taken_on="2020-01-01")
    page = reverse("admin:imaging_xrayimage_change", args=[XRayImage.objects.get().pk])
    values = {field.html_name: field.value() or "" for field in client.get(page).context["adminform"].form}
    assert words in client.post(page, values | {"taken_on": day}).text
    assert str(XRayImage.objects.get().taken_on) == "2020-01-01"


def test_a_film_without_a_day_is_called_by_the_clinics_day(xray):
    # Two in the morning in Taipei is the day before in Greenwich.
    at = datetime.datetime(2026, 3, 4, 2, 0, tzinfo=ZoneInfo("Asia/Taipei"))
    XRayImage.objects.filter(pk=xray.pk).update(created_at=at)
    with timezone.override("Asia/Taipei"):
        assert str(XRayImage.objects.get()).endswith("4 Mar 2026")


@pytest.mark.parametrize(
    ("in_file", "on_record", "asks"),
    [
        ("Wang^XiaoMing", "王小明", "Latin letters, and the record is in Chinese"),
        ("Wáng^Xiǎomíng", "王小明", "Latin letters, and the record is in Chinese"),
        ("Wang^XiaoMing=王^小明", "王小明", None),
        ("Wang^XiaoMing=王^大明", "王小明", "names another patient"),
        ("Wang^XiaoMing", "Chen 小明", "names another patient"),
        ("陳^大文", "王小明", "names another patient"),
    ],
)
def test_where_letters_cannot_be_compared_the_question_says_so(upload, patient, in_file, on_record, asks):
    patient.full_name = on_record
    patient.save()
    page = upload(film(gradient(), PatientName=in_file, SpecificCharacterSet="ISO_IR 192")).text
    assert XRayImage.objects.exists() == (asks is None)
    assert asks is None or asks in page


def test_letters_that_cannot_be_compared_stand_beside_the_name_on_record(patient):
    patient.full_name = "王小明"
    found = whose.conflicts(Named(full_name="Wang^XiaoMing"), patient)
    assert list(whose.side_by_side(found, patient)) == [("Full name", "Wang^XiaoMing", "王小明")]
    assert not whose.conflicts(Named(full_name="Wang^XiaoMing"), patient, whose.marks(found, patient))
