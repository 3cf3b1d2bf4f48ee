"""What a DICOM file says of its grey scale and shape: followed where it means something, and never a black picture."""

from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imaging.ingest import Refused, read
from imaging.tests.pictures import gradient
from imaging.tests.test_dicom import film, shown, twelve_bits

TWELVE = {"BitsStored": 12, "HighBit": 11}
GUESSED = ["grey_scale_guessed"]


def issues(data: bytes) -> list[str]:
    return [issue for issue in read(data, "film.dcm").quality_issues if issue == "grey_scale_guessed"]


def is_like(picture: np.ndarray, truth: np.ndarray) -> bool:
    return np.corrcoef(picture.ravel(), truth.ravel().astype(float))[0, 1] > 0.98 and picture.std() > 30


def lut(values) -> Sequence:
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [len(values), 0, 16])
    table.add_new("LUTData", "OW", np.asarray(values, "<u2").tobytes())
    return Sequence([table])


# -- Padding ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
@pytest.mark.parametrize("window", [{}, {"WindowCenter": 2048, "WindowWidth": 4096}])
@pytest.mark.parametrize(
    ("padding", "tags"),
    [
        (65535, {}),
        (0, {}),
        (4095, {}),
        (65530, {"PixelPaddingRangeLimit": 65535}),
        (65535, {"PixelPaddingRangeLimit": 65530}),
    ],
)
def test_padding_is_background_and_sets_no_range(photometric, window, padding, tags):
    values = twelve_bits() if photometric == "MONOCHROME2" else 4095 - twelve_bits()
    values = values.astype(np.uint16)
    truth = gradient()
    hole = np.zeros(values.shape, bool)
    hole[:, :60] = True
    values[hole] = padding
    picture = shown(film(values, PhotometricInterpretation=photometric, PixelPaddingValue=padding, **tags, **window))
    assert picture[hole].max() == 0
    assert is_like(picture[~hole], truth[~hole])


def test_padding_below_zero_is_padding():
    values = twelve_bits().astype(np.int16) - 1024
    values[:, :60] = -32768
    picture = shown(film(values, PixelRepresentation=1, PixelPaddingValue=-32768))
    assert picture[:, :60].max() == 0
    assert is_like(picture[:, 60:], gradient()[:, 60:])


def test_a_film_of_nothing_but_its_padding_value_is_shown_as_it_is():
    read(film(np.full((100, 100), 7, np.uint8), PixelPaddingValue=7), "film.dcm")


# -- Slopes and windows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [gradient(), twelve_bits()])
@pytest.mark.parametrize("slope", [-1, -0.5, -3])
def test_a_falling_slope_turns_the_film_over_whatever_its_depth(values, slope):
    picture = shown(film(values, RescaleSlope=slope, RescaleIntercept=255))
    assert is_like(picture, 255 - gradient().astype(int))


@pytest.mark.parametrize("blank", ["", None])
@pytest.mark.parametrize(
    "window", [{}, {"WindowCenter": 2048, "WindowWidth": 4096}, {"WindowCenter": "", "WindowWidth": ""}]
)
def test_a_blank_value_counts_as_absent(blank, window):
    data = film(twelve_bits(), RescaleSlope=blank, RescaleIntercept=blank, PixelPaddingValue=blank, **window, **TWELVE)
    assert is_like(shown(data), gradient())
    assert issues(data) == []


@pytest.mark.parametrize(
    "tags",
    [
        {"WindowCenter": 30000, "WindowWidth": 100},
        {"WindowCenter": 40, "WindowWidth": 400},
        {"WindowCenter": -5000, "WindowWidth": 200},
        {"WindowCenter": 2048, "WindowWidth": 0},
        {"WindowCenter": 2048, "WindowWidth": -400},
        {"WindowCenter": 2048},
        {"RescaleSlope": 0, "RescaleIntercept": 0},
        {"RescaleSlope": 0, "RescaleIntercept": 100},
        {"VOILUTSequence": lut([7] * 4096)},
        {"ModalityLUTSequence": lut([7] * 4096)},
    ],
)
def test_what_would_leave_one_grey_is_left_out_and_said(tags):
    data = film(twelve_bits(), **TWELVE, **tags)
    assert is_like(shown(data), gradient())
    assert issues(data) == GUESSED


@pytest.mark.parametrize("empty", [Sequence([]), Sequence([Dataset()])])
@pytest.mark.parametrize("keyword", ["VOILUTSequence", "ModalityLUTSequence"])
def test_an_empty_table_counts_as_absent(keyword, empty):
    data = film(twelve_bits(), **TWELVE, **{keyword: empty})
    assert is_like(shown(data), gradient())


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID", ""])
def test_each_kind_of_window_is_followed(function):
    data = film(twelve_bits(), WindowCenter=2048, WindowWidth=4096, VOILUTFunction=function, **TWELVE)
    assert is_like(shown(data), gradient())
    assert issues(data) == []


def test_a_presentation_that_contradicts_the_film_is_said():
    assert issues(film(gradient(), PresentationLUTShape="INVERSE")) == GUESSED
    assert issues(film(gradient(), PresentationLUTShape="IDENTITY")) == []


# -- Bits -------------------------------------------------------------------------------------------------------------


def test_bits_that_stand_higher_up_are_brought_down():
    data = film(twelve_bits() << 4, BitsStored=12, HighBit=15)
    assert is_like(shown(data), gradient())


def test_twelve_bits_with_a_sign_keep_it():
    values = (twelve_bits().astype(np.int32) - 2048) & 0xFFF
    data = film(values.astype(np.uint16), PixelRepresentation=1, **TWELVE)
    assert is_like(shown(data), gradient())


def test_values_beyond_the_bits_that_a_film_names_are_shown_and_said():
    data = film(twelve_bits(), BitsStored=10, HighBit=9)
    assert is_like(shown(data), gradient())
    assert issues(data) == GUESSED


# -- Shape ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tags",
    [
        {"PixelAspectRatio": [2, 1]},
        {"PixelSpacing": [0.4, 0.2]},
        {"ImagerPixelSpacing": [0.3, 0.15]},
        {"NominalScannedPixelSpacing": [0.2, 0.1]},
    ],
)
def test_a_film_has_the_shape_that_it_had_on_the_detector(tags):
    truth = gradient()
    picture = shown(film(np.ascontiguousarray(truth[::2]), **tags))
    assert picture.shape == truth.shape
    assert np.abs(picture - truth).mean() < 3
    wide = {keyword: said[::-1] for keyword, said in tags.items()}
    assert shown(film(np.ascontiguousarray(truth[:, ::2]), **wide)).shape == truth.shape


@pytest.mark.parametrize("said", [[0, 0.2], [0.2, 0.2], [50, 1], ""])
def test_a_proportion_that_no_detector_has_changes_no_shape(said):
    assert shown(film(gradient(), PixelSpacing=said)).shape == gradient().shape


# -- The true reason --------------------------------------------------------------------------------------------------


def why_not(data: bytes) -> str:
    with pytest.raises(Refused) as refusal:
        read(data, "film.dcm")
    return str(refusal.value)


def without(keyword: str) -> bytes:
    dataset = pydicom.dcmread(BytesIO(film(twelve_bits(), **TWELVE)))
    delattr(dataset, keyword)
    target = BytesIO()
    dataset.save_as(target)
    return target.getvalue()


@pytest.mark.parametrize("keyword", ["Rows", "Columns", "BitsStored", "BitsAllocated", "PixelRepresentation"])
def test_what_a_file_does_not_say_is_named(keyword):
    assert f"It does not say its {keyword}" in why_not(without(keyword))


def test_the_samples_of_a_grey_pixel_need_not_be_said():
    assert is_like(shown(without("SamplesPerPixel")), gradient())


@pytest.mark.parametrize(
    "syntax", ["1.2.840.113619.5.2", "1.2.840.10008.1.2.4.110", "1.2.826.0.1.3680043.9.7433.99", "1.2"]
)
def test_a_coding_that_nobody_published_is_named(syntax):
    data, old = film(gradient()), b"1.2.840.10008.1.2.1\0"
    new = syntax.encode() + b"\0" * (len(syntax) % 2)
    at = data.index(old)
    data = data[: at - 2] + len(new).to_bytes(2, "little") + new + data[at + len(old) :]
    assert f"transfer syntax {syntax}" in why_not(data)
