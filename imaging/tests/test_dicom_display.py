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


@pytest.mark.parametrize(
    ("picture", "tags"),
    [
        (padded(0x800, (twelve_bits() // 2).astype(np.uint16)), {"PixelPaddingValue": -2048}),
        (
            padded(0x800, (twelve_bits() // 2).astype(np.uint16)),
            {"PixelPaddingValue": -2048, "PixelPaddingRangeLimit": -2040},
        ),
    ],
)
def test_a_padding_without_its_sign_in_the_bits_above_is_padding(picture, tags):
    data = film(picture, PixelRepresentation=1, **TWELVE, **tags)
    assert shown(data)[:, :60].max() == 0
    assert shown(data)[:, 60:].max() > 230


def test_a_padding_that_12_bits_do_not_hold_takes_no_zeros_out():
    picture = twelve_bits().astype(np.int16) - 2048
    data = film(picture, PixelRepresentation=1, PixelPaddingValue=-32768, **TWELVE)
    assert dicom.read(data).background is None


def test_padding_hides_no_flat_film_from_the_quality_issues():
    flat = (twelve_bits() // 32 + 2000).astype(np.uint16)
    tags = TWELVE | {"WindowCenter": 2048, "WindowWidth": 4096, "PixelPaddingValue": 0}
    window_of_one = {"WindowCenter": 2060, "WindowWidth": 600}
    assert QualityIssue.LOW_CONTRAST in issues(film(padded(0, flat), **(tags | window_of_one)))
    assert QualityIssue.LOW_CONTRAST not in issues(film(padded(0, twelve_bits()), **tags))


def test_a_padding_that_would_take_everything_is_said():
    data = film(twelve_bits(), **TWELVE, PixelPaddingValue=0, PixelPaddingRangeLimit=4095)
    assert alike(shown(data), gradient())
    assert CORRECTED in issues(data)


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
        {"WindowCenter": 300, "WindowWidth": 600},
        {"WindowCenter": 3800, "WindowWidth": 500},
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


@pytest.mark.parametrize(
    ("entries", "bits"),
    [(np.arange(4096), 16), (np.arange(4096), 0), (np.arange(4096) * 16, 12), (np.arange(4096), 10)],
)
def test_a_table_that_is_wrong_about_its_bits_is_neither_black_nor_white(entries, bits):
    data = film(twelve_bits(), **TWELVE, VOILUTSequence=lut(entries, [4096, 0, bits]))
    assert alike(shown(data), gradient())
    assert CORRECTED in issues(data)


def test_a_table_is_shown_by_its_bits_and_not_by_the_entries_that_it_uses():
    data = film(twelve_bits(), **TWELVE, VOILUTSequence=lut(1000 + np.arange(4096) // 3, [4096, 0, 12]))
    assert alike(shown(data), (1000 + twelve_bits() // 3) / 4095 * 255, within=1)
    assert CORRECTED not in issues(data)


def test_a_table_with_a_length_written_as_a_negative_number_is_read():
    data = film(twelve_bits() * 9, VOILUTSequence=lut(np.arange(40000), [40000, 0, 16]))
    data = data.replace(b"\x28\0\x02\x30US", b"\x28\0\x02\x30SS")
    assert alike(shown(data), twelve_bits() * (9 / 65535 * 255), within=1)


def test_a_modality_table_that_holds_nothing_gives_way_to_the_line():
    tags = {"ModalityLUTSequence": lut(np.zeros(4096), [4096, 0, 16]), "RescaleSlope": 2, "RescaleIntercept": -100}
    data = film(twelve_bits(), **TWELVE, **tags, WindowCenter=2900, WindowWidth=2000)
    assert alike(shown(data), shown(film(twelve_bits(), **TWELVE, WindowCenter=1500, WindowWidth=1000)), within=1)
    assert CORRECTED in issues(data)


@pytest.mark.parametrize("window", [(32768, 65536), (16384, 32768), (2048, 60000), (0, 65535)])
def test_a_window_far_too_wide_gives_way_to_the_full_range_and_is_said(window):
    data = film(twelve_bits(), **TWELVE, WindowCenter=window[0], WindowWidth=window[1])
    assert alike(shown(data), gradient())
    assert CORRECTED in issues(data)


def test_a_window_is_kept_on_a_film_that_is_mostly_background():
    picture = twelve_bits()
    picture[:, :220] = 5
    data = film(picture, **TWELVE, WindowCenter=3500, WindowWidth=1000)
    assert CORRECTED not in issues(data)


def test_a_window_is_kept_on_a_film_that_is_flat_itself():
    data = film(np.full((240, 300), 2000, np.uint16), **TWELVE, WindowCenter=2048, WindowWidth=4096)
    assert set(shown(data).ravel()) == {125}
    assert CORRECTED not in issues(data)


def seen(data: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    picture = dicom.read(data)
    return picture.grey, picture.deep and picture.deep.values


@pytest.mark.parametrize(
    ("picture", "tags", "most"),
    [
        (gradient(), {}, 255),
        (twelve_bits(), TWELVE, 4095),
        (twelve_bits(), TWELVE | {"WindowCenter": 2048, "WindowWidth": 4096}, 4095),
        (twelve_bits() * 16 + 7, {}, 65535),
        (twelve_bits()[::2], TWELVE | {"PixelSpacing": [0.4, 0.2]}, 4095),
        (padded(4095, twelve_bits()), TWELVE | {"PixelPaddingValue": 4095}, 4095),
        (np.random.default_rng(1).integers(0, 300, (240, 300)).astype(np.uint16) ** 2 % 4096, TWELVE, 4095),
    ],
)
def test_both_ways_of_writing_one_film_give_one_picture(picture, tags, most):
    other = tags | {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}
    if "PixelPaddingValue" in tags:
        other["PixelPaddingValue"] = most - tags["PixelPaddingValue"]
    (grey, deep), (turned_grey, turned_deep) = seen(film(picture, **tags)), seen(film(most - picture, **other))
    assert np.array_equal(grey, turned_grey)
    assert (deep is None and turned_deep is None) or np.array_equal(deep, turned_deep)


@pytest.mark.parametrize("mode", ["I;16", "L"])
def test_a_window_between_two_levels_rounds_alike_from_either_side(mode):
    picture = twelve_bits() if mode == "I;16" else gradient()
    most = 4095 if mode == "I;16" else 255
    for width in range(most // 8, most, most // 16 + 1):
        tags = (TWELVE if mode == "I;16" else {}) | {"WindowWidth": width, "VOILUTFunction": "LINEAR_EXACT"}
        plain = film(picture, WindowCenter=most / 2, **tags)
        turned = film(most - picture, WindowCenter=most / 2, PhotometricInterpretation="MONOCHROME1", **tags)
        assert np.array_equal(seen(plain)[0], seen(turned)[0])


def test_the_bits_stored_lie_where_the_file_says():
    data = film(twelve_bits() << 4, BitsStored=12, HighBit=15)
    assert alike(shown(data), gradient())
    assert read(data, "film.dcm").bit_depth == 12


def test_bits_beside_those_stored_are_no_part_of_the_picture_and_are_said():
    data = film(twelve_bits() | 0xA000, **TWELVE)
    assert alike(shown(data), gradient())
    assert CORRECTED in issues(data)


@pytest.mark.parametrize("tags", [{"BitsStored": 12, "HighBit": 11}, {"BitsStored": 10, "HighBit": 9}])
def test_a_film_with_more_bits_than_it_says_is_shown_whole_and_that_is_said(tags):
    data = film(twelve_bits() * 15, **tags)
    assert alike(shown(data), gradient())
    assert CORRECTED in issues(data)
    assert read(data, "film.dcm").bit_depth == 16


def test_graphics_that_were_drawn_in_the_bits_above_are_left_out():
    picture = twelve_bits()
    picture[50:60, 20:200] |= 0x1000
    data = film(picture, **TWELVE)
    assert alike(shown(data), gradient())
    assert CORRECTED in issues(data)


def test_a_sign_that_the_file_denies_is_seen():
    data = film((twelve_bits().astype(np.int16) - 2048).view(np.uint16), **TWELVE)
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


def test_a_spacing_of_nothing_gives_way_to_the_next_that_is_given():
    data = film(twelve_bits()[::2], **TWELVE, PixelSpacing=[0, 0], ImagerPixelSpacing=[0.4, 0.2])
    assert shown(data).shape == (240, 300)


@pytest.mark.parametrize("spacing", [[0, 0.2], [-1, 1], [100, 0.1]])
def test_a_spacing_that_makes_no_sense_leaves_the_picture_as_it_is(spacing):
    data = film(twelve_bits(), **TWELVE, PixelSpacing=spacing)
    assert shown(data).shape == (240, 300)
    assert CORRECTED in issues(data)


def test_a_film_that_contradicts_itself_about_the_inversion_is_said_to():
    assert CORRECTED in issues(film(gradient(), PresentationLUTShape="INVERSE"))
    assert CORRECTED in issues(film(gradient(), PresentationLUTShape="LIN OD"))
    assert CORRECTED in issues(film(gradient(), PresentationLUTShape="INVERSE", Modality="CR"))
    assert CORRECTED not in issues(film(gradient(), PresentationLUTShape="IDENTITY"))
    assert CORRECTED not in issues(film(gradient(), PresentationLUTShape=""))


def test_a_windowed_film_costs_a_few_bytes_a_pixel():
    data = film(np.kron(twelve_bits(), np.ones((8, 8), np.uint16)), **TWELVE, WindowCenter=2048, WindowWidth=4096)
    tracemalloc.start()
    dicom.read(data)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * len(data)


def test_the_standards_words_count_however_they_are_written():
    """Capitals are the standard's; some programs write others."""
    small = {"PhotometricInterpretation": "monochrome1", "Modality": "dx", "PresentationLUTShape": "inverse"}
    usual = {name: value.upper() for name, value in small.items()}
    small, usual = (dicom.read(film(gradient(), **words)) for words in (small, usual))
    assert np.array_equal(small.grey, usual.grey)
    assert not small.is_corrected
