"""A film looks as its file means it, also where the file says that badly: never black or flat without a word."""

import tracemalloc

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imaging import dicom
from imaging.ingest import read
from imaging.quality import QualityIssue
from imaging.tests.pictures import gradient
from imaging.tests.test_dicom import film, shown, twelve_bits

TWELVE = {"BitsStored": 12, "HighBit": 11}
CORRECTED = QualityIssue.DISPLAY_CORRECTED


def alike(picture: np.ndarray, wanted: np.ndarray, within: float = 8) -> bool:
    return bool(np.abs(picture.astype(int) - wanted.astype(int)).mean() < within)


def issues(data: bytes) -> list[str]:
    return read(data, "film.dcm").quality_issues


def padded(value: int, picture: np.ndarray) -> np.ndarray:
    picture = picture.copy()
    picture[:, :60] = value
    return picture


@pytest.mark.parametrize(
    ("picture", "tags"),
    [
        (padded(65535, twelve_bits()), {"PixelPaddingValue": 65535}),
        (padded(65535, twelve_bits()), {"PixelPaddingValue": 65535} | TWELVE),
        (padded(0, twelve_bits() + 5000), {"PixelPaddingValue": 0}),
        (padded(64000, twelve_bits()), {"PixelPaddingValue": 60000, "PixelPaddingRangeLimit": 65535}),
        (padded(64000, twelve_bits()), {"PixelPaddingValue": 65535, "PixelPaddingRangeLimit": 60000}),
        (
            padded(-32768, twelve_bits().astype(np.int16) - 1024),
            {"PixelRepresentation": 1, "PixelPaddingValue": -32768},
        ),
        (
            padded(65535, twelve_bits()),
            {"PixelPaddingValue": 65535, "WindowCenter": 2048, "WindowWidth": 4096},
        ),
        (
            padded(0, 4095 - twelve_bits()),
            {"PhotometricInterpretation": "MONOCHROME1", "PixelPaddingValue": 0} | TWELVE,
        ),
        (padded(65535, twelve_bits()), {"PixelPaddingValue": 65535, "RescaleSlope": 2, "RescaleIntercept": -100}),
    ],
)
def test_padding_is_background_and_does_not_set_the_range(picture, tags):
    data = film(picture, **tags)
    seen = shown(data)
    assert seen[:, :60].max() == 0
    assert np.corrcoef(seen[:, 60:].ravel(), gradient()[:, 60:].ravel())[0, 1] > 0.99
    assert seen[:, 60:].max() > 230
    assert CORRECTED not in issues(data)


def test_a_film_that_would_be_padding_alone_is_shown():
    assert shown(film(np.full((240, 300), 7, np.uint16), PixelPaddingValue=7)).shape == (240, 300)


@pytest.mark.parametrize(
    "tags",
    [
        {"RescaleSlope": "", "RescaleIntercept": ""},
        {"RescaleSlope": "", "RescaleIntercept": "", "WindowCenter": 2048, "WindowWidth": 4096},
        {"RescaleIntercept": ""},
        {"WindowCenter": "", "WindowWidth": ""},
        {"PixelPaddingValue": 65535, "PixelAspectRatio": "", "PixelSpacing": ""},
        {"NumberOfFrames": "", "ViewPosition": "", "PatientName": "", "PatientBirthDate": "", "PatientSex": ""},
        {"VOILUTSequence": Sequence([]), "ModalityLUTSequence": Sequence([]), "VOILUTFunction": ""},
        {"HighBit": 11, "SamplesPerPixel": None},
    ],
)
def test_what_is_blank_is_as_if_it_were_not_there(tags):
    data = film(twelve_bits(), **(TWELVE | tags))
    assert alike(shown(data), gradient())
    assert CORRECTED not in issues(data)


@pytest.mark.parametrize(
    "tags",
    [
        {"WindowCenter": 30000, "WindowWidth": 100},
        {"WindowCenter": -30000, "WindowWidth": 100},
        {"WindowCenter": 40, "WindowWidth": 40},
        {"WindowCenter": 2048, "WindowWidth": 0},
        {"WindowCenter": 2048, "WindowWidth": -10},
        {"WindowCenter": 2048, "WindowWidth": 1e-300, "VOILUTFunction": "LINEAR_EXACT"},
        {"WindowCenter": 1e300, "WindowWidth": 1e-300, "VOILUTFunction": "SIGMOID"},
        {"WindowCenter": 2048},
        {"RescaleSlope": 0, "RescaleIntercept": 0},
        {"RescaleSlope": 1, "RescaleIntercept": 1e30},
        {"RescaleSlope": 1e308, "RescaleIntercept": 1},
    ],
)
def test_what_makes_no_sense_gives_way_to_the_full_range_and_is_said(tags):
    data = film(twelve_bits(), **TWELVE, **tags)
    assert alike(shown(data), gradient())
    assert CORRECTED in issues(data)


@pytest.mark.filterwarnings("ignore:Invalid value for VR DS")
@pytest.mark.parametrize("word", [b"NaN ", b"inf ", b"-inf", b"abcd"])
@pytest.mark.parametrize("keyword", ["WindowCenter", "WindowWidth", "RescaleSlope"])
def test_a_number_that_is_none_is_left_out_and_said(keyword, word):
    tags = {"WindowCenter": 2048, "WindowWidth": 4096, "RescaleSlope": 1, "RescaleIntercept": 0} | {keyword: 7531}
    data = film(twelve_bits(), **TWELVE, **tags).replace(b"7531", word)
    assert alike(shown(data), gradient())
    assert CORRECTED in issues(data)


def test_the_second_window_is_taken_where_the_first_makes_no_sense():
    data = film(twelve_bits(), **TWELVE, WindowCenter=[30000, 2048], WindowWidth=[100, 4096])
    assert alike(shown(data), gradient(), within=2)


def lut(entries: np.ndarray, descriptor: list[int]) -> Sequence:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", descriptor)
    item.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    return Sequence([item])


@pytest.mark.parametrize("sequence", ["VOILUTSequence", "ModalityLUTSequence"])
@pytest.mark.parametrize(
    "table",
    [
        lut(np.zeros(0), [4096, 0, 16]),
        lut(np.zeros(4096), [4096, 0, 16]),
        lut(np.arange(10), [4096, 0, 16]),
        Sequence([Dataset()]),
    ],
)
def test_a_table_that_holds_nothing_is_left_out_and_said(sequence, table):
    data = film(twelve_bits(), **TWELVE, **{sequence: table})
    assert alike(shown(data), gradient())
    assert CORRECTED in issues(data)


@pytest.mark.parametrize(
    ("picture", "tags"),
    [(gradient(), {}), (twelve_bits(), TWELVE), (gradient().astype(np.int8), {"PixelRepresentation": 1})],
)
@pytest.mark.parametrize(("slope", "photometric"), [(-1, "MONOCHROME2"), (1, "MONOCHROME1")])
def test_a_falling_line_turns_the_film_over_at_any_depth(picture, tags, slope, photometric):
    tags = tags | {"RescaleSlope": slope, "RescaleIntercept": 255, "PhotometricInterpretation": photometric}
    upright = film(picture, **(tags | {"RescaleSlope": 1, "PhotometricInterpretation": "MONOCHROME2"}))
    assert alike(shown(film(picture, **tags)), 255 - shown(upright), within=1)


def test_a_falling_table_turns_an_8_bit_film_over():
    table = lut(np.arange(255, -1, -1), [256, 0, 8])
    assert np.corrcoef(shown(film(gradient(), ModalityLUTSequence=table)).ravel(), gradient().ravel())[0, 1] < -0.99


def test_the_bits_stored_lie_where_the_file_says():
    data = film(twelve_bits() << 4, BitsStored=12, HighBit=15)
    assert alike(shown(data), gradient())
    assert read(data, "film.dcm").bit_depth == 12


def test_bits_beside_those_stored_are_no_part_of_the_picture_and_are_said():
    data = film(twelve_bits() | 0xA000, **TWELVE)
    assert alike(shown(data), gradient())
    assert CORRECTED in issues(data)


def test_a_signed_film_of_12_bits_is_shown_with_its_sign():
    data = film(twelve_bits().astype(np.int16) - 2048, PixelRepresentation=1, **TWELVE)
    assert alike(shown(data), gradient())
    assert CORRECTED not in issues(data)


@pytest.mark.parametrize(
    ("tags", "size"),
    [
        ({"PixelAspectRatio": [2, 1]}, (300, 240)),
        ({"PixelAspectRatio": [1, 2]}, (600, 120)),
        ({"PixelSpacing": [0.4, 0.2]}, (300, 240)),
        ({"ImagerPixelSpacing": [0.3, 0.2]}, (300, 180)),
        ({"NominalScannedPixelSpacing": [0.4, 0.2]}, (300, 240)),
        ({"PixelSpacing": [0.2, 0.2], "PixelAspectRatio": [2, 1]}, (300, 120)),
        ({"PixelSpacing": [0.2, 0.2001]}, (300, 120)),
    ],
)
def test_pixels_are_shown_square(tags, size):
    picture = read(film(twelve_bits()[::2], **TWELVE, **tags), "film.dcm")
    assert (picture.width, picture.height) == size


@pytest.mark.parametrize("spacing", [[0, 0.2], [-1, 1], [100, 0.1]])
def test_a_spacing_that_makes_no_sense_leaves_the_picture_as_it_is(spacing):
    data = film(twelve_bits(), **TWELVE, PixelSpacing=spacing)
    assert shown(data).shape == (240, 300)
    assert CORRECTED in issues(data)


def test_a_film_that_contradicts_itself_about_the_inversion_is_said_to():
    assert CORRECTED in issues(film(gradient(), PresentationLUTShape="INVERSE"))
    assert CORRECTED not in issues(film(gradient(), PresentationLUTShape="IDENTITY"))


def test_a_windowed_film_costs_a_few_bytes_a_pixel():
    data = film(np.kron(twelve_bits(), np.ones((8, 8), np.uint16)), **TWELVE, WindowCenter=2048, WindowWidth=4096)
    tracemalloc.start()
    dicom.read(data)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * len(data)
