"""Whose film is this? A person settles it: theirs all the same, another patient's, or nobody's."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.urls import reverse

from clinic.models import Patient
from imaging import read_anew
from imaging.models import XRayImage
from imaging.storing import receive
from imaging.tests.pictures import gradient
from imaging.tests.test_dicom import film

UID = "1.2.826.0.1.3680043.8.498.1"
OF_ANOTHER = {"PatientName": "Lin^Mei Hua", "PatientBirthDate": "19800506", "PatientID": "B123456780"}
ADMIN = "/admin/imaging/xrayimage/"


def kept(patient, by=None, **tags) -> XRayImage:
    file = ContentFile(film(gradient(), **tags), name="film.dcm")
    receipt = receive(file, patient, by=by, confirmed_because="so it was said")
    assert receipt.xray, receipt.refusal
    return receipt.xray


@pytest.fixture
def doubtful(patient, clinician):
    return kept(patient, clinician, SOPInstanceUID=UID, AccessionNumber="ACC 77", StudyDate="20240305", **OF_ANOTHER)


@pytest.fixture
def doctor(client, clinician):
    client.force_login(clinician)
    return client


def page(xray, name="change") -> str:
    return reverse(f"admin:imaging_xrayimage_{name}", args=[xray.pk])


def settle(client, xray, answer, **said):
    seen = client.get(page(xray, "whose")).context["seen"]
    return client.post(
        page(xray, "whose"), {"answer": answer, "seen": seen, "reason": "asked them", **said}, follow=True
    )


def test_what_is_settled_stays_settled_until_the_record_is_another(
    doctor, clinician, doubtful, patient, django_capture_on_commit_callbacks
):
    shown = doctor.get(page(doubtful, "whose")).text
    assert "Lin^Mei Hua" in shown
    assert "•••••••780" in shown
    assert "B123456780" not in shown
    assert "is settled" in settle(doctor, doubtful, "theirs").text
    doubtful.refresh_from_db()
    assert doubtful.identity_conflict == {}
    last = doubtful.history.first()
    assert (last.history_user, last.history_change_reason) == (
        clinician,
        "It is this patient’s all the same: asked them",
    )
    assert "Settle it" not in doctor.get(page(doubtful)).text
    patient.date_of_birth = "1972-03-05"
    with django_capture_on_commit_callbacks(execute=True):
        patient.save()
    doubtful.refresh_from_db()
    assert set(doubtful.identity_conflict) == {"date_of_birth"}


def test_a_reason_is_asked_for(doctor, doubtful):
    settle(doctor, doubtful, "theirs", reason=" ")
    doubtful.refresh_from_db()
    assert doubtful.identity_conflict


def test_it_goes_to_another_patient_and_the_visit_stays(doctor, doubtful, other_patient):
    settle(doctor, doubtful, "move", patient=other_patient.pk)
    doubtful.refresh_from_db()
    assert (doubtful.patient, doubtful.identity_conflict, doubtful.theirs_because) == (other_patient, {}, "")
    assert "asked them" in doctor.get(f"{ADMIN}{doubtful.pk}/history/").text


def test_of_two_who_settle_the_second_is_told(doctor, doubtful, other_patient):
    seen = doctor.get(page(doubtful, "whose")).context["seen"]
    settle(doctor, doubtful, "move", patient=other_patient.pk)
    late = doctor.post(page(doubtful, "whose"), {"answer": "theirs", "seen": seen, "reason": "no"}, follow=True)
    assert "has changed this since you looked" in late.text


def test_it_is_hidden_where_nobody_can_tell(doctor, doubtful):
    settle(doctor, doubtful, "hide")
    doubtful.refresh_from_db()
    assert (doubtful.is_hidden, doubtful.hide_reason) == (True, "asked them")


def test_the_front_desk_settles_no_films(client, front_desk, doubtful):
    client.force_login(front_desk)
    assert client.post(page(doubtful, "whose"), {"answer": "theirs", "reason": "x"}).status_code == 403


# -- The same film twice -----------------------------------------------------------------------------------------------


def test_the_same_picture_on_another_record_is_said_on_both(doctor, clinician, doubtful, other_patient):
    twin = kept(other_patient, SOPInstanceUID=UID)
    assert "Lin Mei-Hua has a file of the same picture" in doctor.get(page(doubtful)).text
    assert "Chen Wei-Ting has a file of the same picture" in doctor.get(page(twin)).text
    clinician.groups.clear()  # and may now look, and bring nothing back
    clinician.user_permissions.set(Permission.objects.filter(codename__in=["view_xrayimage", "view_patient"]))
    assert "Lin Mei-Hua has a file" in doctor.get(page(doubtful)).text
    Patient.objects.filter(pk=other_patient.pk).hide(by=None)
    shown = doctor.get(page(doubtful)).text
    assert "on another patient’s record" in shown
    assert "Lin Mei-Hua" not in shown


# -- What the file says ------------------------------------------------------------------------------------------------

SAID = {
    "SOPInstanceUID": UID,
    "StudyInstanceUID": UID + ".1",
    "AccessionNumber": "ACC 77",
    "PatientID": "CH-0042",
    "IssuerOfPatientID": "CLINIC",
    "Manufacturer": "Fuji",
    "ManufacturerModelName": "CR 5",
    "StationName": "ROOM1",
    "BurnedInAnnotation": "YES",
    "ExposureIndex": "321",
    "AcquisitionDateTime": "20240305143000.5+0900",
}


@pytest.mark.parametrize(
    ("said", "taken_at"),
    [
        ({"AcquisitionDateTime": "20161231235960.5+0000"}, "2016-12-31T23:59:59+00:00"),
        (
            {"StudyDate": "20170101", "StudyTime": "075960", "TimezoneOffsetFromUTC": "+0800"},
            "2016-12-31T23:59:59+00:00",
        ),
        ({"AcquisitionDateTime": "20161231235961+0000"}, None),
    ],
)
def test_a_leap_second_is_the_one_before_and_no_other_is_made_up(patient, said, taken_at):
    xray = kept(patient, **said)
    xray.refresh_from_db()
    assert (xray.taken_at and xray.taken_at.astimezone(UTC).isoformat()) == taken_at


@pytest.mark.parametrize("number", ["ACC 77", "CH-0042", UID])
def test_films_are_found_by_the_numbers_in_their_files(doctor, patient, number):
    xray = kept(patient, **SAID)
    kept(patient)
    found = doctor.get(ADMIN, {"q": number}).context["cl"].result_list
    assert [film.pk for film in found] == [xray.pk]


def test_older_films_are_read_where_their_files_are(patient, capsys):
    new, gone = kept(patient, **SAID), kept(patient)
    fields = {"sop_uid": "", "taken_at": None, "device": "", "said_further": {}, "is_read": False, "burned_in": None}
    XRayImage.objects.update(**fields)
    gone.original.delete(save=False)
    call_command("read_films")
    assert capsys.readouterr().out == "1 films read, 1 not.\n"
    new.refresh_from_db()
    assert (new.sop_uid, new.device, new.station, new.burned_in) == (UID, "Fuji CR 5", "ROOM1", True)
    assert new.said_further == {"ExposureIndex": 321}
    assert new.taken_at.astimezone(ZoneInfo("Asia/Taipei")).isoformat() == "2024-03-05T13:30:00+08:00"
    assert read_anew.read_some() == 0
