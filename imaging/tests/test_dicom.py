"""DICOM: which files are films, and that they look as they should."""

import zlib
from io import BytesIO

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from imaging import dicom
from imaging.ingest import Refused, read
from imaging.tests.pictures import encoded, gradient
from imaging.tests.realfiles import every_file_in, manifest, needs_real_files


def film(picture: np.ndarray, syntax: uid.UID = uid.ExplicitVRLittleEndian, **tags) -> bytes:
    """A DICOM file of `picture` (uint8 or uint16, shape (rows, columns)); `tags` are set last, None takes one out."""
    dataset = Dataset()
    dataset.SOPClassUID = uid.DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = uid.generate_uid()
    dataset.Modality = "DX"
    dataset.Rows, dataset.Columns = picture.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelRepresentation = 0
    dataset.BitsAllocated = dataset.BitsStored = picture.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelData = picture.tobytes()
    for keyword, value in tags.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    target = BytesIO()
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    return target.getvalue()


def shown(data: bytes, name: str = "film.dcm") -> np.ndarray:
    return np.asarray(Image.open(BytesIO(read(data, name).pixels_png))).astype(int)


def twelve_bits() -> np.ndarray:
    return gradient().astype(np.uint16) * 16


def test_an_8_bit_film_is_shown_as_it_is():
    assert np.array_equal(shown(film(gradient())), gradient())


def test_monochrome1_is_turned_over():
    assert np.array_equal(
        shown(film(gradient(), PhotometricInterpretation="MONOCHROME1")), 255 - gradient().astype(int)
    )


def test_a_12_bit_film_without_a_window_uses_the_whole_range():
    picture = shown(film(twelve_bits(), BitsStored=12, HighBit=11))
    assert (picture.min(), picture.max()) == (0, 255)
    assert np.abs(picture - gradient()).mean() < 4


def test_the_window_that_the_radiographer_chose_is_kept():
    # Between 1000 and 2000 of the stored values everything happens; below is black, above is white.
    values = twelve_bits()
    picture = shown(film(values, BitsStored=12, HighBit=11, WindowCenter=1500, WindowWidth=1000))
    assert picture[values < 1000].max() == 0
    assert picture[values > 2000].min() == 255
    assert abs(int(picture[values == 1504].mean()) - 128) < 3


def test_a_window_is_in_units_of_the_modality_lut():
    values = twelve_bits()
    rescaled = film(
        values, BitsStored=12, HighBit=11, RescaleSlope=2, RescaleIntercept=-100, WindowCenter=2900, WindowWidth=2000
    )
    unscaled = film(values, BitsStored=12, HighBit=11, WindowCenter=1500, WindowWidth=1000)
    assert np.abs(shown(rescaled) - shown(unscaled)).max() <= 1


def test_a_falling_rescale_turns_the_film_over_once():
    values = twelve_bits()
    falling = film(
        values, BitsStored=12, HighBit=11, RescaleSlope=-1, RescaleIntercept=4095, WindowCenter=2048, WindowWidth=4096
    )
    picture = shown(falling)
    assert picture[0, 0] > picture[-1, -1]


def test_a_window_that_makes_no_sense_is_no_window():
    assert np.array_equal(shown(film(gradient(), WindowCenter=128, WindowWidth=0)), gradient())


def test_a_voi_lut_goes_before_the_inversion():
    lut = Dataset()
    lut.add_new("LUTDescriptor", "US", [256, 0, 16])
    lut.add_new("LUTData", "OW", np.arange(65535, -1, -257).astype("<u2").tobytes())
    data = film(gradient(), VOILUTSequence=Sequence([lut]), PhotometricInterpretation="MONOCHROME1")
    assert np.corrcoef(shown(data).ravel(), gradient().ravel())[0, 1] > 0.99


@pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEG2000Lossless, uid.RLELossless])
def test_compressed_films_are_read(syntax):
    dataset = pydicom.dcmread(BytesIO(film(gradient())))
    if syntax == uid.JPEGBaseline8Bit:
        dataset.PixelData = encapsulate([encoded(gradient(), "JPEG", quality=95)])
        dataset.file_meta.TransferSyntaxUID = syntax
    else:
        if syntax == uid.JPEG2000Lossless:
            dataset.PixelData = encapsulate([encoded(gradient(), "JPEG2000", no_jp2=True)])
            dataset.file_meta.TransferSyntaxUID = syntax
        else:
            dataset.compress(syntax)
    target = BytesIO()
    dataset.save_as(target)
    assert np.abs(shown(target.getvalue()) - gradient()).max() <= 6


@pytest.mark.parametrize(
    ("said", "view"), [("PA", "PA"), ("AP", "AP"), ("RL", "LL"), ("LATERAL", "LL"), ("RLO", "OBL")]
)
def test_the_view_comes_from_the_file(said, view):
    assert read(film(gradient(), ViewPosition=said), "film.dcm").view == view


@pytest.mark.parametrize(
    ("tags", "day"),
    [
        ({"AcquisitionDate": "20260304", "StudyDate": "20260301"}, "2026-03-04"),
        ({"StudyDate": "20260301"}, "2026-03-01"),
        ({"StudyDate": "19010101"}, "None"),
        ({"StudyDate": "29990101"}, "None"),
        ({"StudyDate": "20261399"}, "None"),
        ({}, "None"),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR DA")
def test_the_day_comes_from_the_file_unless_it_cannot_be(tags, day):
    assert str(read(film(gradient(), **tags), "film.dcm").taken_on) == day


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ({"Modality": "CT"}, "modality is CT"),
        ({"Modality": ""}, "modality is not given"),
        ({"NumberOfFrames": 30}, "30 frames"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "raw values from the detector .FOR PROCESSING"),
        ({"SOPClassUID": uid.DigitalXRayImageStorageForProcessing}, "FOR PROCESSING"),
        ({"DirectoryRecordSequence": Sequence([Dataset()])}, "table of contents of a disc"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "not greyscale but PALETTE COLOR"),
        ({"BitsAllocated": 1}, "Its pixels have 1 bits"),
        ({"PixelData": b"\0" * 100}, "cut off"),
        ({"Rows": 16, "Columns": 16}, "too small"),
        ({"Rows": 60_000, "Columns": 60_000}, "cut off"),
    ],
)
def test_it_says_why_a_file_is_not_one_grey_film(tags, says):
    with pytest.raises(Refused, match=says):
        read(film(gradient(), **tags), "film.dcm")


@pytest.mark.parametrize("tags", [{"NumberOfFrames": "01"}, {"PresentationIntentType": "FOR PRESENTATION"}])
def test_one_film_is_one_however_it_is_said(tags):
    assert shown(film(gradient(), **tags)).shape == gradient().shape


def test_it_gives_every_reason_at_once():
    with pytest.raises(Refused, match=r"modality is US.*30 frames.*YBR_FULL"):
        read(film(gradient(), Modality="US", NumberOfFrames=30, PhotometricInterpretation="YBR_FULL"), "film.dcm")


def test_a_picture_larger_than_the_file_says_is_not_decoded():
    dataset = pydicom.dcmread(BytesIO(film(gradient())))
    dataset.PixelData = encapsulate([encoded(gradient(2000, 2000), "JPEG")])
    dataset.file_meta.TransferSyntaxUID = uid.JPEGBaseline8Bit
    target = BytesIO()
    dataset.save_as(target)
    with pytest.raises(Refused, match="contradicts itself"):
        read(target.getvalue(), "film.dcm")


def test_a_deflated_bomb_is_stopped_while_it_unpacks(settings):
    settings.PICTURE_MAX_PIXELS = 1_000_000
    head = film(gradient(), uid.DeflatedExplicitVRLittleEndian)[:400]
    meta_end = 144 + int.from_bytes(head[140:144], "little")
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = head[:meta_end] + deflater.compress(b"\0" * 50_000_000) + deflater.flush()
    with pytest.raises(Refused, match="unpacks to far more"):
        read(bomb, "film.dcm")


@pytest.mark.parametrize("name", ["film.dcm", "film.DICOM", "IM000001", "1.2.840.113619.2.5.1762583153"])
def test_dicom_files_come_under_the_names_that_archives_give(name):
    assert shown(film(gradient()), name).shape == gradient().shape


ACCEPTED = {"cr_chest_pa_jpeg_baseline.dcm", "cr_chest_pa_monochrome1_faketag.dcm", "ot_deflated_512.dcm"}


@every_file_in("dicom")
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_a_real_file_is_taken_or_given_its_own_reason(row):
    data = row["path"].read_bytes()
    if row["file"] in ACCEPTED:
        picture = read(data, row["file"])
        assert (picture.height, picture.width) == (int(row["rows"]), int(row["columns"]))
        return
    with pytest.raises(Refused) as refusal:
        read(data, row["file"])
    modality, frames = row["modality"], row["frames"]
    if modality and modality not in dicom.RADIOGRAPHS:
        assert f"modality is {modality}" in str(refusal.value)
    if frames not in ("", "1"):
        assert f"{frames} frames" in str(refusal.value)


def real(name: str) -> bytes:
    return next(row["path"] for row in manifest("dicom") if row["file"] == name).read_bytes()


@needs_real_files
def test_the_same_film_tagged_monochrome1_is_its_negative():
    plain, tagged = real("cr_chest_pa_jpeg_baseline.dcm"), real("cr_chest_pa_monochrome1_faketag.dcm")
    assert np.array_equal(shown(plain), 255 - shown(tagged))


@needs_real_files
@pytest.mark.parametrize(
    ("name", "written"),
    [("ot_utf8_chinese_name.dcm", "Wang^XiaoDong=王^小東"), ("ot_gb18030_chinese_name.dcm", "Wang^XiaoDong=王^小东")],
)
def test_a_chinese_name_survives(name, written):
    dataset = pydicom.dcmread(BytesIO(real(name)))
    enlarged = np.kron(dataset.pixel_array, np.ones((4, 4), np.uint8))
    dataset.Rows, dataset.Columns = enlarged.shape
    dataset.PixelData = enlarged.tobytes()
    target = BytesIO()
    dataset.save_as(target)
    assert read(target.getvalue(), name).patient_name == written
