"""What the door lets in, what it makes of it, and what it says to the rest."""

import hashlib
import tracemalloc
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from imaging import ingest, raster, reading
from imaging.ingest import Refused, read
from imaging.quality import QualityIssue
from imaging.tests.pictures import encoded, gradient, png, png_that_claims
from imaging.tests.realfiles import every_file_in


def pixels(picture) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(picture.pixels_png)))


def test_it_keeps_a_grey_png_as_it_is():
    original = encoded(gradient())
    picture = read(original, "film.png")
    assert np.array_equal(pixels(picture), gradient())
    assert picture.sha256 == hashlib.sha256(original).hexdigest()
    assert (picture.source_format, picture.width, picture.height, picture.bit_depth) == ("PNG", 300, 240, 8)
    assert picture.quality_issues == []


def test_the_thumbnail_is_small_and_grey():
    with Image.open(BytesIO(read(encoded(gradient(1000, 600)), "film.png").thumbnail)) as thumbnail:
        assert thumbnail.mode == "L"
        assert thumbnail.size == (320, 192)


def test_it_reads_from_a_file_as_from_bytes():
    assert read(BytesIO(png()), "film.png") == read(png(), "film.png")


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (2, np.fliplr),
        (3, lambda p: np.rot90(p, 2)),
        (4, np.flipud),
        (5, np.transpose),
        (6, lambda p: np.rot90(p, -1)),
        (7, lambda p: np.rot90(np.transpose(p), 2)),
        (8, np.rot90),
    ],
)
def test_it_turns_a_picture_upright_as_its_exif_says(orientation, turn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read(encoded(gradient(), exif=exif), "film.png")
    assert np.array_equal(pixels(picture), turn(gradient()))
    assert (picture.height, picture.width) == turn(gradient()).shape


def test_it_carries_no_metadata_on():
    exif = Image.Exif()
    exif[0x010E] = "Chen Wei-Ting, A123456789"
    picture = read(encoded(gradient(), "JPEG", exif=exif, comment=b"Chen"), "film.jpg")
    assert b"Chen" not in picture.pixels_png + picture.thumbnail
    assert Image.open(BytesIO(picture.pixels_png)).info == {}


def test_a_12_bit_film_in_a_16_bit_file_uses_the_whole_range():
    twelve_bits = (gradient().astype(np.uint16) * 16) + 100
    picture = read(encoded(twelve_bits), "film.png")
    assert picture.bit_depth == 16
    shown = pixels(picture).astype(int)
    assert (shown.min(), shown.max()) == (0, 255)
    assert np.abs(shown - gradient()).mean() < 4


def test_a_burnt_in_marker_does_not_darken_a_16_bit_film():
    film = gradient().astype(np.uint16) * 16
    film[:5, :5] = 65535
    assert pixels(read(encoded(film), "film.png"))[200:, 200:].mean() > 180


def test_a_16_bit_film_of_one_value_is_black_not_an_error():
    picture = read(encoded(np.full((240, 300), 4000, np.uint16)), "film.png")
    assert pixels(picture).max() == 0
    assert QualityIssue.LOW_CONTRAST in picture.quality_issues


def test_what_is_transparent_becomes_black():
    picture = Image.new("RGBA", (300, 240), (255, 255, 255, 0))
    assert pixels(read(encoded(picture), "film.png")).max() == 0


def test_a_cmyk_jpeg_is_read_by_its_brightness():
    picture = Image.fromarray(gradient()).convert("RGB").convert("CMYK")
    shown = pixels(read(encoded(picture, "JPEG", quality=95), "film.jpg")).astype(int)
    assert np.abs(shown - gradient()).mean() < 4


@pytest.mark.parametrize(
    ("picture", "issue"),
    [
        (gradient(200, 200), QualityIssue.LOW_RESOLUTION),
        (gradient(700, 300), QualityIssue.UNUSUAL_PROPORTIONS),
        (gradient() // 8 + 100, QualityIssue.LOW_CONTRAST),
        (gradient() // 128 * 255, QualityIssue.FEW_GREY_LEVELS),
        (Image.new("RGB", (300, 300), "teal"), QualityIssue.COLOUR_PICTURE),
    ],
)
def test_it_warns_of_a_doubtful_picture_and_takes_it(picture, issue):
    assert issue in read(encoded(picture), "film.png").quality_issues


def test_a_grey_film_saved_in_three_channels_is_no_colour_picture():
    film = Image.fromarray(gradient()).convert("RGB")
    assert read(encoded(film, "JPEG"), "film.jpg").quality_issues == []


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"", "film.png", "empty"),
        (b"not a picture", "film.png", "no PNG, JPEG or DICOM"),
        (encoded(gradient(), "GIF"), "film.png", "no PNG, JPEG or DICOM"),
        (png(), "film.jpg", "Rename it to end in .png"),
        (encoded(gradient(), "JPEG"), "film.dcm", "Rename it to end in .jpg"),
        (png(), "film", "Rename it to end in .png"),
        (png()[:-200], "film.png", "damaged or incomplete"),
        (encoded(gradient(16, 16)), "film.png", "16 × 16 pixels, too small"),
        (encoded(gradient(400, 4)), "film.png", "400 × 4 pixels, too small"),
        (png_that_claims(20_000, 20_000), "film.png", "more than the 64 megapixels"),
        (png_that_claims(2**31 - 1, 2**31 - 1), "film.png", "more than the 64 megapixels"),
        (png() + b"\0" * reading.MAX_PICTURE_BYTES, "film.png", "larger than the 10 MB"),
    ],
)
def test_it_says_why_it_refuses(data, name, says):
    with pytest.raises(Refused, match=says):
        read(data, name)


def test_it_refuses_an_animation():
    frames = [Image.fromarray(gradient() // n) for n in (1, 2, 3)]
    with pytest.raises(Refused, match="animated"):
        read(encoded(frames[0], save_all=True, append_images=frames[1:]), "film.png")


def test_it_takes_the_film_of_a_multi_picture_jpeg_and_says_so():
    film, preview = Image.fromarray(gradient()), Image.fromarray(gradient(100, 80))
    picture = read(encoded(film, "MPO", save_all=True, append_images=[preview]), "film.jpg")
    assert (picture.source_format, picture.width, picture.height) == ("JPEG", 300, 240)
    assert picture.quality_issues == [QualityIssue.FIRST_PICTURE_ONLY]


def test_it_reads_no_more_of_a_file_than_it_may_keep(monkeypatch):
    monkeypatch.setattr(ingest, "MAX_DICOM_BYTES", 1000)
    endless = BytesIO(encoded(gradient()) * 100)
    with pytest.raises(Refused):
        read(endless, "film.png")
    assert endless.tell() == 1001


def test_a_header_that_promises_a_gigapixel_costs_no_memory():
    tracemalloc.start()
    with pytest.raises(Refused):
        raster.read(png_that_claims(60_000, 60_000))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


# Where the samples' own guide leaves the choice open, ours is to refuse: half a file or many pictures is not one film.
REFUSED_HERE = {
    "truncated_end_chunk.png",
    "unknown_compression_method.png",
    "apng__mode_16bit.png",
    "apng__delay.png",
    "exif_gps.jpg",
    "orientation_rectangle.jpg",
}


@every_file_in("hostile")
def test_it_meets_a_hostile_picture_as_a_sane_uploader_does(row):
    data = row["path"].read_bytes()
    if row["sane_uploader"].startswith("reject with") or row["file"] in REFUSED_HERE:
        with pytest.raises(Refused, match=r"\.$"):
            read(data, row["file"])
    else:
        picture = read(data, row["file"])
        assert pixels(picture).shape == (picture.height, picture.width)


@every_file_in("cxr")
def test_it_takes_every_real_chest_x_ray(row):
    with row["path"].open("rb") as source:
        picture = read(source, row["path"].name)
    assert pixels(picture).shape == (picture.height, picture.width)
    assert picture.sha256 == row["sha256"]
    assert not {QualityIssue.LOW_CONTRAST, QualityIssue.UNUSUAL_PROPORTIONS} & set(picture.quality_issues)
