"""Small files that swell cost one refusal, or a picture: never the process that was sent them.

Eight of those made at random go with every run; BOMBS=200 makes more of them.
"""

import os
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from backoffice.files import apart
from backoffice.files.apart import Undone, Why
from imaging import storing
from imaging.ingest import Refused, read
from imaging.models import XRayImage
from imaging.tests import bombs
from imaging.tests.pictures import png
from imaging.tests.test_dicom import film, gradient

ADD = "/admin/imaging/xrayimage/add/"
AT_RANDOM = range(int(os.environ.get("BOMBS", "8")))
MOST_TAKEN_HERE = 150  # megabytes, of the file itself and what comes of it


def peak() -> int:
    """Megabytes that this process has ever had."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))


def forget_the_peak() -> int:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return peak()


def survives(name: str, data: bytes) -> str:
    """Read it, and return why it was refused, "" where it was not."""
    before, started = forget_the_peak(), time.monotonic()
    try:
        read(data, name)
        said = ""
    except Refused as refusal:
        said = str(refusal)
    assert peak() - before < MOST_TAKEN_HERE
    assert time.monotonic() - started < 60  # of which a child computes for ten
    return said


TOO_MANY_ELEMENTS, TOO_MUCH_MEMORY = "more than the 20000 elements", "more memory than the 570 MB"

SAYS = {
    "rgba.png": TOO_MUCH_MEMORY,
    "rgba-of-16-bits.png": TOO_MUCH_MEMORY,
    "transparent-palette.png": TOO_MUCH_MEMORY,
    "jpeg2000.dcm": TOO_MUCH_MEMORY,
    "elements.dcm": TOO_MANY_ELEMENTS,
    "deflated-elements.dcm": TOO_MANY_ELEMENTS,
    "deflated-zeros.dcm": "unpacks to far more than a picture",
    "items.dcm": TOO_MANY_ELEMENTS,
    "items-asked-for.dcm": TOO_MANY_ELEMENTS,
    "fragments.dcm": TOO_MANY_ELEMENTS,
}


@pytest.mark.parametrize("name", bombs.KINDS)
def test_a_bomb_costs_one_refusal_or_is_the_picture_that_it_is(name):
    assert SAYS.get(name, "") in survives(name, bombs.KINDS[name]())


def test_a_value_of_millions_of_numbers_is_none_and_takes_no_time(settings):
    settings.FILE_SECONDS = 2  # of computing, however busy the machine is
    assert read(bombs.KINDS["numbers.dcm"](), "film.dcm").source_format == "DICOM"


@pytest.mark.parametrize("seed", AT_RANDOM)
def test_a_bomb_made_at_random_costs_one_refusal_at_most(seed):
    survives(*bombs.at_random(seed))


@pytest.mark.parametrize(
    ("why", "says"),
    [
        (Why.MEMORY, "more memory than the 570 MB that a file may take. Export it again"),
        (Why.TIME, "longer than a file may take. Export it again"),
        (Why.CRASHED, "broke down on it"),
        (Why.SPACE, "unpacks to more"),
        (Why.FAILED, "nothing here can read"),
        (Why.BUSY, "Send it again in a minute.$"),
    ],
)
def test_each_end_of_a_child_is_told_in_its_own_words(why, says, monkeypatch):
    def ends(*_args, **_options):
        raise Undone(why)
        yield

    monkeypatch.setattr(apart, "values", ends)
    with pytest.raises(Refused, match=says):
        read(png(), "film.png")


def upload(client, patient, *files) -> str:
    sent = [SimpleUploadedFile(name, data) for name, data in files]
    return client.post(ADD, {"patient": patient.pk, "files": sent}, follow=True).text


def test_a_value_of_a_wrong_length_takes_no_good_file_along(client, clinician, patient):
    """ViewPosition as a number of three bytes, which pydicom has an exception of its own for."""
    client.force_login(clinician)
    data = film(gradient(), BodyPartExamined="CHE")
    wrong = data.replace(b"\x18\x00\x15\x00CS\x04\x00CHE ", b"\x18\x00\x15\x00US\x03\x00CHE", 1)
    assert wrong != data
    text = upload(client, patient, ("first.png", png(1)), ("wrong.dcm", wrong), ("last.png", png(2)))
    assert "first.png" in text
    assert "last.png" in text
    assert XRayImage.objects.filter(source_format="PNG").count() == 2


@pytest.mark.parametrize("trouble", [OSError(5, "Input/output error"), ValueError("Chen Wei-Ting"), MemoryError()])
def test_whatever_befalls_one_file_is_that_files_refusal(client, clinician, patient, monkeypatch, caplog, trouble):
    store = storing.store

    def troubled(picture, original, *args, **details):
        if original.name == "bad.png":
            raise trouble
        return store(picture, original, *args, **details)

    monkeypatch.setattr(storing, "store", troubled)
    client.force_login(clinician)
    text = upload(client, patient, ("first.png", png(1)), ("bad.png", png(2)), ("last.png", png(3)))
    assert "“bad.png” was not kept. Something went wrong with it" in text
    assert XRayImage.objects.count() == 2
    assert type(trouble).__name__ in caplog.text
    assert "Chen" not in caplog.text


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_what_no_database_keeps_is_left_out_of_what_a_file_says():
    said = read(film(gradient(), PatientName="Chen^Wei\0Ting", BodyPartExamined="CHEST\0"), "film.dcm")
    assert "\0" not in said.named.full_name + said.body_part


def test_a_film_that_cannot_be_read_again_keeps_its_patient(client, clinician, xray, other_patient, monkeypatch):
    def busy(*_args, **_options):
        raise Undone(Why.BUSY)
        yield

    client.force_login(clinician)
    monkeypatch.setattr(apart, "values", busy)
    page = client.post(f"/admin/imaging/xrayimage/{xray.pk}/change/", {"patient": other_patient.pk, "notes": ""})
    assert "Send it again in a minute" in page.text
    xray.refresh_from_db()
    assert xray.patient != other_patient
