"""The picture of all bits: what stands in it, and that it is there when somebody asks."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from PIL import Image

from imaging import derived
from imaging.ingest import read
from imaging.models import XRayImage
from imaging.storing import receive
from imaging.tests.pictures import encoded, gradient, png
from imaging.tests.test_dicom import film, twelve_bits


def deep(data: bytes, name: str = "film.dcm") -> tuple[np.ndarray, dict]:
    """The values, and what is told of them."""
    picture = read(data, name)
    with Image.open(picture.deep) as stored:
        return np.asarray(stored).astype(int), json.loads(stored.text["tone"])


def meaning(values: np.ndarray, told: dict) -> np.ndarray:
    return told["offset"] + told["step"] * values


def test_every_bit_of_a_film_is_kept_with_its_window():
    values, told = deep(film(twelve_bits(), BitsStored=12, HighBit=11, WindowCenter=1500, WindowWidth=1000))
    assert np.array_equal(meaning(values, told), twelve_bits())
    assert told["window"] == pytest.approx([1000, 1999])  # as PS3.3 C.11.2.1.2.1 has it


def test_values_are_those_after_the_rescaling_and_below_zero_too():
    signed = twelve_bits().astype(np.int16) - 1024
    tags = {"PixelRepresentation": 1, "RescaleSlope": 2, "RescaleIntercept": -100}
    values, told = deep(film(signed, **tags, WindowCenter=2000, WindowWidth=6001))
    assert np.array_equal(meaning(values, told), signed * 2 - 100)
    assert meaning(np.array(told["window"]), told) == pytest.approx([-1000.5, 4999.5])


def test_monochrome1_is_bright_where_its_numbers_are_small():
    data = film(twelve_bits(), BitsStored=12, HighBit=11, PhotometricInterpretation="MONOCHROME1")
    values, told = deep(data)
    assert np.array_equal(meaning(values, told), twelve_bits())
    assert values[0, 0] > values[-1, -1]


def test_padding_is_background():
    padded = twelve_bits()
    padded[:20] = 4095
    values, _told = deep(film(padded, BitsStored=12, HighBit=11, PixelPaddingValue=4095))
    assert values[:20].max() == 0
    assert np.array_equal(values[20:], twelve_bits()[20:])


@pytest.mark.parametrize("name", ["film.dcm", "film.png"])
def test_through_its_window_it_looks_like_the_canonical_picture(name):
    noise = np.random.default_rng(0).integers(0, 300, (240, 300), np.uint16)
    picture = twelve_bits() + noise
    data = encoded(picture) if name == "film.png" else film(picture, BitsStored=13, HighBit=12)
    values, told = deep(data, name)
    low, high = told["window"]
    through = np.clip((values - low) / (high - low), 0, 1) * 255
    canonical = np.asarray(Image.open(read(data, name).pixels)).astype(int)
    assert np.abs(through - canonical).max() <= 1


def test_it_is_made_square_as_the_canonical_picture_is():
    values, _told = deep(film(twelve_bits(), BitsStored=12, HighBit=11, PixelSpacing=[0.4, 0.2]))
    assert values.shape == (480, 300)


def test_eight_bits_are_all_there_is_of_most_files():
    assert read(png(), "film.png").deep is None
    assert read(film(gradient()), "film.dcm").deep is None


@pytest.mark.parametrize(
    ("tags", "spacing", "by"),
    [
        ({"PixelSpacing": [0.2, 0.2]}, 0.2, "PixelSpacing"),
        ({"ImagerPixelSpacing": [0.14, 0.14]}, 0.14, "ImagerPixelSpacing"),
        ({"PixelSpacing": [0.14, 0.14], "ImagerPixelSpacing": [0.14, 0.14]}, 0.14, "ImagerPixelSpacing"),
        ({"PixelSpacing": [0.12, 0.12], "ImagerPixelSpacing": [0.14, 0.14]}, 0.12, "PixelSpacing"),
        ({"PixelSpacing": [0.4, 0.2]}, 0.2, "PixelSpacing"),  # the height grew
        ({"PixelSpacing": [0.2, 0.4]}, 0.2, "PixelSpacing"),  # the width did
        ({"PixelSpacing": [0, 0]}, None, ""),
        ({"PixelSpacing": [9000, 9000]}, None, ""),
        ({"PixelAspectRatio": [2, 1]}, None, ""),
        ({}, None, ""),
    ],
)
def test_a_pixel_is_as_large_as_the_file_says_where(tags, spacing, by):
    picture = read(film(gradient(), **tags), "film.dcm")
    assert (picture.pixel_spacing and pytest.approx(picture.pixel_spacing), picture.spacing_from) == (spacing, by)


@pytest.fixture
def deep_film(patient, clinician) -> XRayImage:
    data = film(twelve_bits(), BitsStored=12, HighBit=11, PixelSpacing=[0.2, 0.2])
    return receive(ContentFile(data, name="film.dcm"), patient, by=clinician).xray


@pytest.fixture
def ask(client, clinician):
    client.force_login(clinician)
    return lambda xray: client.get(reverse("admin:imaging_xrayimage_deep", args=[xray.pk]))


def test_it_comes_with_the_film_and_is_sent_as_it_lies(ask, deep_film, monkeypatch):
    monkeypatch.setattr("imaging.ingest.read", lambda *_args: pytest.fail("it was there"))
    picture = Image.open(BytesIO(b"".join(ask(deep_film).streaming_content)))
    assert np.array_equal(np.asarray(picture), twelve_bits())
    assert (deep_film.pixel_spacing, deep_film.spacing_from) == (0.2, "PixelSpacing")


def test_where_it_is_missing_it_is_made_from_the_original_once(ask, deep_film, settings):
    before = b"".join(ask(deep_film).streaming_content)
    default_storage.delete(derived.name_of(deep_film, derived.DEEP))
    assert b"".join(ask(deep_film).streaming_content) == before
    assert len(list(Path(settings.MEDIA_ROOT, "deep").rglob("*.*"))) == 1


def test_where_the_original_is_not_read_any_more_it_says_why(ask, deep_film):
    default_storage.delete(derived.name_of(deep_film, derived.DEEP))
    Path(deep_film.original.path).write_bytes(b"whatever")
    answer = ask(deep_film)
    assert answer.status_code == 503
    assert "PNG, JPEG or DICOM" in answer.text


def test_a_film_of_eight_bits_has_none(ask, xray):
    assert ask(xray).status_code == 404


def test_a_film_that_is_not_kept_leaves_none_behind(deep_film, patient, clinician, monkeypatch, settings):
    def fail(self, *_args, **_options):
        raise RuntimeError("the database is away")

    monkeypatch.setattr(XRayImage, "save", fail)
    other = film(twelve_bits() + 1, BitsStored=12, HighBit=11)
    assert receive(ContentFile(other, name="film.dcm"), patient, by=clinician).xray is None
    assert len(list(Path(settings.MEDIA_ROOT, "deep").rglob("*.*"))) == 1
