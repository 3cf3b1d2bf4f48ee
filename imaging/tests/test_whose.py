"""What a film says of its patient beside what is on file: told, kept with the film, and asked anew when it moves."""

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from model_bakery import baker

from clinic.models import Patient
from imaging.models import XRayImage
from imaging.storing import receive
from imaging.tests.pictures import gradient, png
from imaging.tests.test_dicom import film

pytestmark = pytest.mark.django_db(transaction=True)

OF_HER = {"PatientName": "Lin^Mei-ling", "PatientBirthDate": "19840502", "PatientSex": "F", "PatientID": "A123456789"}


@pytest.fixture
def her():
    return baker.make(
        Patient, full_name="Lin Mei-ling", date_of_birth="1984-05-02", sex="female", national_id="A123456789"
    )


def received(patient, **tags):
    return receive(ContentFile(film(gradient(), **OF_HER | tags), name="film.dcm"), Patient.objects.get(pk=patient.pk))


def test_a_film_of_the_patient_contradicts_nothing(her):
    receipt = received(her)
    assert (receipt.xray.identity_conflict, receipt.warnings) == ({}, ())


@pytest.mark.parametrize(
    ("tags", "what", "told"),
    [
        ({"PatientName": "Wang^Ming"}, "name", "names another patient, Wang^Ming"),
        ({"PatientBirthDate": "19500101"}, "date_of_birth", "born on 1950-01-01"),
        ({"PatientSex": "M"}, "sex", "sex is male"),
        ({"PatientID": "B123456780"}, "id", "another ID number, •••••••780"),
        (
            {"PatientBirthDate": "19840502", "AcquisitionDate": "19840101"},
            "taken_before_birth",
            "before the patient was born",
        ),
    ],
)
def test_each_contradiction_is_told_and_kept(her, tags, what, told):
    receipt = received(her, **tags)
    assert list(receipt.xray.identity_conflict) == [what]
    assert told in receipt.warnings[0]


@pytest.mark.parametrize(
    "tags",
    [
        {"PatientName": "Dr. LIN^MEI LING^^Dr"},
        {"PatientName": ""},
        {"PatientID": "CHART-0017"},
        {"PatientBirthDate": "unknown"},
        {"PatientSex": ""},
        {"PatientBirthDate": "1984.05.02"},
    ],
)
def test_what_says_nothing_or_the_same_in_other_words_contradicts_nothing(her, tags):
    assert received(her, **tags).xray.identity_conflict == {}


def test_the_films_page_says_it_until_the_film_is_with_its_patient(client, clinician, her):
    other = baker.make(Patient, full_name="Wang Ming", date_of_birth="1990-01-31", sex="male", national_id="")
    xray = received(other).xray
    client.force_login(clinician)
    page = reverse("admin:imaging_xrayimage_change", args=[xray.pk])
    assert "Whose film is this?" in client.get(page).text
    client.post(page, {"patient": her.pk, "appointment": "", "view": "", "taken_on": "", "notes": ""})
    assert XRayImage.objects.get().patient == her
    assert "Whose film is this?" not in client.get(page).text


@pytest.mark.parametrize(("day", "told"), [("2999-01-01", "still to come"), ("1980-01-01", "not born yet")])
def test_a_day_that_cannot_be_is_refused_before_anything_is_kept(client, clinician, her, day, told):
    client.force_login(clinician)
    sent = {"patient": her.pk, "files": [ContentFile(png(), name="a.png")], "taken_on": day}
    assert told in client.post("/admin/imaging/xrayimage/add/", sent).text
    assert not XRayImage.objects.exists()


def test_more_files_than_are_taken_at_once_are_refused_with_the_limit(client, clinician, her, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 3
    client.force_login(clinician)
    sent = {"patient": her.pk, "files": [ContentFile(png(n), name=f"{n}.png") for n in range(4)]}
    answer = client.post("/admin/imaging/xrayimage/add/", sent)
    assert answer.status_code == 413
    assert "At most 3 files are taken at once" in answer.text
    assert not XRayImage.objects.exists()
