"""A film that is given away: nothing in it says whose it is, and its picture is the same."""

import re
import struct
from io import BytesIO
from zipfile import ZipFile

import jpeg_ls
import numpy as np
import pydicom
import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from PIL import Image
from pydicom import uid
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from backoffice.models import AccessEvent
from imaging import dicom
from imaging.decoded import Refused
from imaging.dicom.deidentified import deidentified
from imaging.models import XRayImage
from imaging.storing import receive
from imaging.tests.pictures import encoded, gradient
from imaging.tests.realfiles import manifest, needs_real_files
from imaging.tests.test_dicom import film, twelve_bits
from imaging.tests.test_dicom_codings import jpeg_lossless, with_frame

MARK = "ZhangWei"
KEY = b"a key of this test"
TEXT = {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
NEEDED = {"Modality", "PhotometricInterpretation"}  # or it is no film


def written(dataset: Dataset) -> bytes:
    target = BytesIO()
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    return target.getvalue()


def without_identity(data: bytes) -> bytes:
    return written(deidentified(data, KEY))


def every_text_element() -> list[int]:
    """Each element of the standard's dictionary that is text, numbers and days in letters among them."""
    return [
        tag
        for tag, (vr, _vm, _name, _retired, keyword) in DicomDictionary.items()
        if vr in TEXT and keyword not in NEEDED and tag >> 16 >= 0x0008
    ]


# Whatever its words are, pydicom warns of them.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def talkative() -> bytes:
    """A film that tells its patient's name wherever there is room for text."""
    with pydicom.config.disable_value_validation():
        dataset = pydicom.dcmread(BytesIO(film(twelve_bits(), BitsStored=12, HighBit=11)))
        step = Dataset()
        for tag in every_text_element():
            step.add_new(tag, "LO", MARK)
            dataset.add_new(tag, "LO", MARK)
        table = Dataset()
        table.add_new("LUTDescriptor", "US", [4096, 0, 16])
        table.add_new("LUTData", "OW", np.arange(4096, dtype="<u2").tobytes())
        table.ModalityLUTType = table.LUTExplanation = MARK
        dataset.ModalityLUTSequence = [table]
        dataset.RequestAttributesSequence = [step]
        dataset.private_block(0x0009, MARK, create=True).add_new(1, "LO", MARK)
        dataset.private_block(0x0029, MARK, create=True).add_new(1, "OB", MARK.encode())
        dataset.add_new(0x60000022, "LO", MARK)
        dataset.add_new(0x60003000, "OW", MARK.encode())
        dataset.add_new(0xFFFCFFFC, "OB", MARK.encode())
        dataset.PixelData += MARK.encode()
        dataset.file_meta.SourceApplicationEntityTitle = MARK
        dataset.file_meta.ImplementationVersionName = MARK
        dataset.file_meta.PrivateInformationCreatorUID = "1.2.3"
        dataset.file_meta.PrivateInformation = MARK.encode()
        dataset.preamble = MARK.encode().ljust(128, b"\0")
        return written(dataset)


def test_nothing_that_was_written_anywhere_in_it_survives(talkative):
    assert talkative.count(MARK.encode()) > 900
    assert MARK.encode() not in without_identity(talkative)


def test_not_a_single_element_stays_that_is_not_known(talkative):
    kept = pydicom.dcmread(BytesIO(without_identity(talkative)))
    assert not [element for element in kept.iterall() if element.tag.is_private]
    said = {element.keyword for element in kept.iterall() if element.VR in TEXT and element.value}
    assert said <= {
        *NEEDED,
        *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"),
        *("PatientID", "PatientIdentityRemoved", "DeidentificationMethod", "LongitudinalTemporalInformationModified"),
        *("CodeValue", "CodingSchemeDesignator", "CodeMeaning"),
    }


def test_the_pixels_are_the_same_bytes(talkative):
    assert pydicom.dcmread(BytesIO(without_identity(talkative))).PixelData == twelve_bits().tobytes()


def test_uids_are_others_and_those_of_one_study_stay_together():
    uids = {name: uid.generate_uid() for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")}
    first, second = (
        deidentified(film(gradient(), **uids | {"SOPInstanceUID": one}), KEY)
        for one in (uids["SOPInstanceUID"], uid.generate_uid())
    )
    assert first.StudyInstanceUID == second.StudyInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert not {first.StudyInstanceUID, first.SeriesInstanceUID, first.SOPInstanceUID} & set(uids.values())
    assert first.SOPInstanceUID.startswith("2.25.")
    assert first.SOPInstanceUID.is_valid
    assert deidentified(film(gradient(), **uids), b"another").StudyInstanceUID != first.StudyInstanceUID


def test_what_the_picture_needs_and_how_it_was_exposed_is_kept():
    tags = {
        "ViewPosition": "PA",
        "BodyPartExamined": "CHEST",
        "PixelSpacing": [0.139, 0.139],
        "WindowCenter": [1500, 40],
        "WindowWidth": [1000, 80],
        "KVP": 117,
        "PatientOrientation": ["L", "F"],
        "BurnedInAnnotation": "NO",
    }
    kept = deidentified(film(twelve_bits(), BitsStored=12, HighBit=11, **tags), KEY)
    assert {keyword: kept[keyword].value for keyword in tags} == tags


def test_a_word_that_is_none_of_the_standards_goes():
    kept = deidentified(film(gradient(), BodyPartExamined="WANG XIAOMING", ViewPosition="WANG"), KEY)
    assert "BodyPartExamined" not in kept
    assert "ViewPosition" not in kept


def coded_film(frame: bytes, syntax: uid.UID, picture: np.ndarray | None = None) -> bytes:
    dataset = pydicom.dcmread(BytesIO(film(gradient() if picture is None else picture)))
    dataset.PixelData = encapsulate([frame])
    dataset.file_meta.TransferSyntaxUID = syntax
    return written(dataset)


def test_a_coded_picture_loses_its_remarks_and_no_pixel():
    exif = Image.Exif()
    exif[0x010E] = MARK
    jpeg = encoded(gradient(), "JPEG", quality=95, comment=MARK, exif=exif) + MARK.encode()
    j2k = encoded(gradient(), "JPEG2000", no_jp2=False, comment=MARK) + MARK.encode()
    for data in (coded_film(jpeg, uid.JPEGBaseline8Bit), coded_film(j2k, uid.JPEG2000Lossless)):
        assert MARK.encode() in data
        kept = without_identity(data)
        assert MARK.encode() not in kept
        assert np.array_equal(dicom.read(kept).grey, dicom.read(data).grey)


def test_what_is_written_between_and_behind_a_pictures_parts_goes():
    """In a tile-part's header of JPEG 2000, between the scans of JPEG, in the header of RLE."""
    comment = b"\xff\x64" + (len(MARK) + 4).to_bytes(2) + b"\0\1" + MARK.encode()
    j2k = encoded(gradient(), "JPEG2000", no_jp2=True, tile_size=(128, 128))
    tiles = [found.start() for found in re.finditer(rb"\xff\x90\0\x0a", j2k)]
    assert len(tiles) > 1
    for at in reversed(tiles):
        length = int.from_bytes(j2k[at + 6 : at + 10]) + len(comment)
        j2k = j2k[: at + 6] + length.to_bytes(4) + j2k[at + 10 : at + 12] + comment + j2k[at + 12 :]
    progressive = encoded(gradient(), "JPEG", progressive=True)
    scans = [found.start() for found in re.finditer(rb"\xff\xda", progressive)]
    said = b"\xff\xfe" + (len(MARK) + 2).to_bytes(2) + MARK.encode()
    for at in reversed(scans):
        progressive = progressive[:at] + said + progressive[at:]
    rows = b"".join(
        bytes([127]) + row[:128].tobytes() + bytes([len(row) - 129]) + row[128:256].tobytes()
        for row in gradient(256, 240)
    )
    header = struct.pack("<2L", 1, 64) + MARK.encode().ljust(56, b"\0")
    run_length = coded_film(header + rows, uid.RLELossless, gradient(256, 240))
    films = [coded_film(j2k, uid.JPEG2000Lossless), coded_film(progressive, uid.JPEGBaseline8Bit), run_length]
    for data in films:
        assert MARK.encode() in data
        kept = without_identity(data)
        assert MARK.encode() not in kept
        assert np.array_equal(dicom.read(kept).grey, dicom.read(data).grey)
        assert pydicom.dcmread(BytesIO(kept)).file_meta.TransferSyntaxUID.is_compressed


def test_of_a_coded_picture_whose_parts_are_unclear_the_pixels_alone_are_given():
    broken = encoded(gradient(), "JPEG", quality=95).replace(b"\xff\xc4", MARK.encode() + b"\xff\xc4", 1)
    data = coded_film(broken, uid.JPEGBaseline8Bit)
    kept = without_identity(data)
    assert MARK.encode() not in kept
    assert pydicom.dcmread(BytesIO(kept)).file_meta.TransferSyntaxUID == uid.ExplicitVRLittleEndian
    assert np.array_equal(dicom.read(kept).grey, dicom.read(data).grey)


def test_graphics_in_the_bits_of_a_coded_picture_go():
    drawn = twelve_bits()
    drawn[:20] |= 1 << 13
    plain = pydicom.dcmread(BytesIO(film(drawn, BitsStored=12, HighBit=11)))
    plain.add_new(0x60000102, "US", 13)
    for frame, syntax in (
        (jpeg_lossless(drawn, bits=14), uid.JPEGLosslessSV1),
        (jpeg_ls.encode_array(drawn), uid.JPEGLSLossless),
    ):
        kept = deidentified(with_frame(bytes(frame), syntax, written(plain)), KEY)
        assert kept.file_meta.TransferSyntaxUID == uid.ExplicitVRLittleEndian
        assert kept.PixelData == twelve_bits().tobytes()


def test_graphics_beside_the_bits_of_the_picture_go():
    drawn = twelve_bits()
    drawn[:20] |= 1 << 15
    dataset = pydicom.dcmread(BytesIO(film(drawn, BitsStored=12, HighBit=11)))
    dataset.add_new(0x60000102, "US", 15)
    assert deidentified(written(dataset), KEY).PixelData == twelve_bits().tobytes()


@needs_real_files
def test_real_films_look_the_same():
    seen = 0
    for row in manifest("dicom"):
        data = row["path"].read_bytes()
        try:
            before = dicom.read(data)
        except Refused:  # it is no film
            continue
        after = dicom.read(without_identity(data))
        assert np.array_equal(before.grey, after.grey), row["file"]
        assert (before.deep is None) or np.array_equal(before.deep.values, after.deep.values), row["file"]
        seen += 1
    assert seen >= 3


# -- As it is downloaded ----------------------------------------------------------------------------------------------


@pytest.fixture
def named(patient, clinician) -> XRayImage:
    patient.full_name = MARK
    patient.save()
    data = film(twelve_bits(), BitsStored=12, HighBit=11, PatientName=MARK, StudyDescription=MARK)
    return receive(ContentFile(data, name=f"{MARK}.dcm"), patient, by=clinician).xray


def download(client, xray: XRayImage):
    return client.get(reverse("admin:imaging_xrayimage_without_identity", args=[xray.pk]))


def test_a_clinician_downloads_film_and_picture_and_it_is_noted(client, clinician, named):
    client.force_login(clinician)
    answer = download(client, named)
    archive = b"".join(answer.streaming_content)
    assert MARK not in answer["Content-Disposition"]
    assert MARK.encode() not in archive
    with ZipFile(BytesIO(archive)) as parts:
        files = {info.filename[-4:]: parts.read(info) for info in parts.infolist()}
        assert {info.date_time[0] for info in parts.infolist()} == {1980}
    assert set(files) == {".dcm", ".png"}
    with named.pixels.open("rb") as pixels:
        assert files[".png"] == pixels.read()
    assert pydicom.dcmread(BytesIO(files[".dcm"])).PixelData == twelve_bits().tobytes()
    event = AccessEvent.objects.get(object_id=named.pk, action="download")
    assert event.user == clinician


def test_of_a_picture_file_the_picture_alone_is_given(client, clinician, xray):
    client.force_login(clinician)
    with ZipFile(BytesIO(b"".join(download(client, xray).streaming_content))) as parts:
        assert [name[-4:] for name in parts.namelist()] == [".png"]


def test_nobody_else_has_it(client, front_desk, xray):
    assert download(client, xray).status_code == 302
    client.force_login(front_desk)
    assert download(client, xray).status_code == 403
    assert not AccessEvent.objects.filter(action="download").exists()


def test_the_films_page_offers_it_and_warns_of_burnt_in_text(client, clinician, xray):
    client.force_login(clinician)
    page = client.get(reverse("admin:imaging_xrayimage_change", args=[xray.pk])).text
    assert reverse("admin:imaging_xrayimage_without_identity", args=[xray.pk]) in page
    assert "Text may be burnt into the picture" in page


def test_where_the_file_says_that_none_is_burnt_in_nobody_is_warned(client, clinician, patient):
    data = film(gradient(), BurnedInAnnotation="NO")
    kept = receive(ContentFile(data, name="film.dcm"), patient, by=clinician).xray
    client.force_login(clinician)
    page = client.get(reverse("admin:imaging_xrayimage_change", args=[kept.pk])).text
    assert "Text may be burnt into the picture" not in page
