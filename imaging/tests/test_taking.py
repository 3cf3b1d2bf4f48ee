"""Films that the page sends one by one: what each file's answer says."""

import errno
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from backoffice.files import places
from backoffice.web.media import PrivateStorage
from clinic.models import Patient
from imaging.models import XRayImage
from imaging.tests.pictures import gradient, png
from imaging.tests.test_dicom import film

TAKE = "/admin/imaging/xrayimage/take/"


@pytest.fixture
def take(client, clinician, patient):
    """Send one file as the page does; returns the answer."""
    client.force_login(clinician)

    def post(name: str = "film.png", data: bytes | None = None, **fields):
        file = SimpleUploadedFile(name, png() if data is None else data)
        return client.post(TAKE, {"by": clinician.pk, "patient": patient.pk, "files": file, **fields})

    return post


def test_a_good_file_is_kept_and_told_with_its_page_and_picture(take, patient, clinician):
    answer = take(view="AP", notes="routine")
    xray = XRayImage.objects.get()
    assert (xray.patient, xray.uploaded_by, xray.view, xray.notes) == (patient, clinician, "AP", "routine")
    assert xray.history.get().history_user == clinician
    assert answer.json() == {
        "files": [
            {
                "name": "film.png",
                "outcome": "kept",
                "told": [],
                "film": {
                    "name": str(xray),
                    "address": reverse("admin:imaging_xrayimage_change", args=[xray.pk]),
                    "thumbnail": reverse("admin:imaging_xrayimage_thumbnail", args=[xray.pk]),
                },
            }
        ]
    }


def test_a_bad_file_is_told_with_its_reason(take):
    (file,) = take("notes.txt", b"not a picture").json()["files"]
    assert (file["outcome"], file["film"]) == ("refused", None)
    assert file["told"][0].startswith("It is no PNG, JPEG or DICOM file")
    assert not XRayImage.objects.exists()


def test_a_film_for_which_there_is_no_room_is_refused_so_and_leaves_nothing(take, monkeypatch):
    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(PrivateStorage, "_sync", full)
    (file,) = take().json()["files"]
    assert file["outcome"] == "refused"
    assert file["told"][0].startswith("There is no room left on the disk, and nothing of it was kept.")
    assert [path for path in Path(default_storage.location).rglob("*") if path.is_file()] == []


def test_the_same_file_again_is_told_with_the_film_that_is_there(take):
    first, again = take().json()["files"][0], take("again.png").json()["files"][0]
    assert (again["outcome"], again["film"]) == ("there", first["film"])
    assert XRayImage.objects.count() == 1


def test_a_film_that_may_be_anothers_asks_first_and_is_kept_with_the_answer(take):
    data = film(gradient(), PatientName="Doe^Archibald")
    (file,) = take("film.dcm", data).json()["files"]
    assert (file["outcome"], file["film"], file["asks"]["name"]) == ("asks", None, "confirmed_because")
    assert file["told"] == ["The file names another patient, Doe^Archibald."]
    assert not XRayImage.objects.exists()
    (file,) = take("film.dcm", data, confirmed_because="mistyped").json()["files"]
    assert file["outcome"] == "kept"
    assert any("names another patient, Doe^Archibald" in sentence for sentence in file["told"])


def test_too_many_files_at_this_moment_is_no_refusal_but_asks_to_be_sent_again(take, monkeypatch):
    monkeypatch.setattr(places, "LONGEST_WAIT", 0)
    monkeypatch.setattr(places, "how_many", lambda memory: 0)
    (file,) = take().json()["files"]
    assert (file["outcome"], file["film"]) == ("busy", None)
    assert file["told"] == ["Too many files are being read at this moment. Send it again in a minute."]
    monkeypatch.undo()
    assert take().json()["files"][0]["outcome"] == "kept"


def test_who_waited_in_vain_for_the_database_is_asked_to_send_it_again_too(take, monkeypatch, settings):
    def waits(self, *args, **kwargs):
        raise OperationalError("database is locked")

    monkeypatch.setattr(XRayImage, "save", waits)
    (file,) = take().json()["files"]
    assert file["outcome"] == "busy"
    assert "at this moment. Send it again" in file["told"][0]
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_what_is_wrong_with_the_form_is_told_and_nothing_is_kept(take):
    answer = take(taken_on="2999-01-01")
    assert answer.status_code == 422
    assert answer.json() == {"problems": ["Taken on: This day is still to come: check the year."]}
    assert take(patient="").json()["problems"] == ["Patient: This field is required."]
    assert not XRayImage.objects.exists()


def test_a_patient_who_was_hidden_meanwhile_takes_no_film(take, patient, clinician):
    Patient.objects.filter(pk=patient.pk).hide(by=clinician, reason="Entered twice")
    answer = take()
    assert answer.status_code == 422
    assert "was hidden, or merged" in answer.json()["problems"][0]
    assert not XRayImage.objects.exists()


def test_a_page_that_was_shown_to_somebody_else_sends_nothing_in_ones_name(take, clinician, administrator):
    answer = take(by=administrator.pk)
    assert answer.status_code == 422
    assert f"{clinician} is signed in now" in answer.json()["problems"][0]
    assert not XRayImage.objects.exists()


def test_whoever_is_signed_out_is_led_to_sign_in_and_nothing_is_kept(take, client):
    client.logout()
    answer = take()
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")
    assert client.get(TAKE).status_code == 302
    assert not XRayImage.objects.exists()
    assert "kept_forms" not in client.session  # it was no form that comes back


def test_the_front_desk_sends_no_films(take, client, front_desk):
    client.force_login(front_desk)
    assert client.get(TAKE).status_code == take(by=front_desk.pk).status_code == 403
    assert not XRayImage.objects.exists()


def test_whoever_may_send_is_told_what_makes_a_form_theirs_by_now(clinician, patient):
    client = Client(enforce_csrf_checks=True)
    client.force_login(clinician)

    def sent(token: str):
        file = SimpleUploadedFile("film.png", png())
        return client.post(TAKE, {"csrfmiddlewaretoken": token, "patient": patient.pk, "files": file})

    assert sent("of a page from before").status_code == 403
    assert sent(client.get(TAKE).json()["token"]).json()["files"][0]["outcome"] == "kept"


def test_a_film_as_large_as_they_come_may_be_sent_with_the_patients_page_too(client, clinician, patient, front_desk):
    """Where there is no script; and not by who adds no films."""
    page = reverse("admin:clinic_patient_change", args=[patient.pk])
    large = png() + bytes(3_000_000)
    for person, status in ((clinician, 200), (front_desk, 403)):
        client.force_login(person)
        assert client.post(page, {"files": SimpleUploadedFile("film.png", large)}).status_code == status
