"""What the door lets in, what it makes of it, and what it says to the rest."""

import hashlib
import struct
import tracemalloc
import zlib
from contextlib import closing
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from backoffice.files import apart
from imaging import ingest, raster, reading
from imaging.ingest import Refused, read
from imaging.png import SIGNATURE
from imaging.quality import QualityIssue
from imaging.tests import bombs
from imaging.tests.pictures import encoded, gradient, png, png_that_claims
from imaging.tests.realfiles import every_file_in
from imaging.tests.test_dicom import film, twelve_bits
from imaging.tests.test_dicom_codings import jpeg_lossless


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
        (encoded(gradient(), "GIF"), "film.png", "Pictures of the kind GIF are"),
        (png(), "film.jpg", "Rename it to end in .png"),
        (encoded(gradient(), "JPEG"), "film.dcm", "Rename it to end in .jpg"),
        (png(), "film", "Rename it to end in .png"),
        (png()[:-200], "film.png", "cut off"),
        (encoded(gradient(), "JPEG")[:-200], "film.jpg", "cut off"),
        (png()[:60] + bytes(40) + png()[100:], "film.png", "The picture is damaged"),
        (
            encoded(gradient(), "JPEG").replace(b"\xc0\0\x0b\x08", b"\xc1\0\x0b\x0c"),
            "film.jpg",
            "JPEG with 12 bits",
        ),
        (jpeg_lossless(twelve_bits()), "film.jpg", "JPEG Lossless with 12 bits"),
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


@pytest.mark.parametrize(
    ("begins", "says"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0", "Pictures of the kind HEIC are"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "Pictures of the kind AVIF are"),
        (b"RIFF\x24\x10\0\0WEBPVP8 ", "Pictures of the kind WebP are"),
        (b"II*\0\x08\0\0\0", "Pictures of the kind TIFF are"),
        (b"MM\0*\0\0\0\x08", "Pictures of the kind TIFF are"),
        (b"\0\0\x01\0\x01\0\x10\x10", "Pictures of the kind ICO are"),
        (b"P5\n300 240\n255\n", "Pictures of the kind PNM are"),
        (encoded(gradient(), "BMP"), "Pictures of the kind BMP are"),
        (encoded(gradient(), "TIFF"), "Pictures of the kind TIFF are"),
        (encoded(gradient(), "JPEG2000"), "Pictures of the kind JPEG 2000 are"),
        (encoded(gradient(), "JPEG2000", no_jp2=True), "Pictures of the kind JPEG 2000 are"),
        (b"<?xml version='1.0'?>\n<svg xmlns='", "Pictures of the kind SVG are"),
        (b"%PDF-1.7\n", r"a document \(PDF\)"),
        (b"\xef\xbb\xbf%PDF-1.4\n", r"a document \(PDF\)"),
        (b"<!DOCTYPE html>\n<html>", r"a document \(HTML\)"),
        (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", r"a document \(Office\)"),
        (b"PK\x03\x04" + bytes(26) + b"IM0001.dcm", r"an archive of files \(ZIP\)"),
        (b"Rar!\x1a\x07\0", r"an archive of files \(RAR\)"),
        (b"\0\0\0\x18ftypmp42", r"a video \(MP4\)"),
        (b"\0\0\0\x14ftypqt  ", r"a video \(MP4\)"),
        (bytes(344) + b"n+1\0", "Files of the kind NIfTI are"),
        (film(gradient())[128:], "lost its header"),
        (film(gradient())[132:], "lost its header"),
        (b"\x08\0\x05\0CS\x0a\0ISO_IR 192", "lost its header"),
        (b"\x08\0\0\0\x04\0\0\0\x1a\x01\0\0", "lost its header"),
        (b" " + film(gradient())[132:], "lost its header"),
        (png().replace(b"\r\n", b"\n", 1), "a PNG file whose beginning is damaged"),
        (png()[1:], "a PNG file whose beginning is damaged"),
        (bytes(5000), "nothing but zeros"),
        (b"not a picture", "no PNG, JPEG or DICOM"),
        (b"BM, he said", "no PNG, JPEG or DICOM"),
    ],
)
def test_a_kind_that_is_not_read_is_named_whatever_the_file_is_called(begins, says):
    for name in ("film.png", "film.jpg", "film.dcm"):
        with pytest.raises(Refused, match=says):
            read(begins, name)


@pytest.mark.parametrize("name", ["film.jpg", "film.JPEG", "film.jpe", "film.jfif"])
def test_a_jpeg_comes_under_any_of_its_names(name):
    assert read(encoded(gradient(), "JPEG"), name).source_format == "JPEG"


def wide(channels: list[np.ndarray], colour: int) -> bytes:
    """A 16-bit PNG of these channels, each row filtered by what stands above it."""
    samples = np.stack(channels, axis=2).astype(">u2").view(np.uint8).reshape(len(channels[0]), -1)
    up = np.diff(samples, axis=0, prepend=np.zeros((1, samples.shape[1]), np.uint8))
    packed = zlib.compress(b"".join(b"\x02" + row.tobytes() for row in up))
    header = struct.pack(">IIBBBBB", *channels[0].shape[::-1], 16, colour, 0, 0, 0)
    return SIGNATURE + b"".join(
        bombs.chunk(kind, body) for kind, body in [(b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")]
    )


@pytest.mark.parametrize(("channels", "colour"), [(3, 2), (1, 4), (3, 6)])
def test_a_12_bit_film_in_16_bits_of_colour_or_with_transparency_uses_the_whole_range(channels, colour):
    values = twelve_bits() + 100
    opacity = np.full_like(values, 65535)
    opacity[:, :30] = 0
    data = wide([values] * channels + [opacity] * (colour > 2), colour)
    picture = read(data, "film.png")
    whole = pixels(picture)
    shown, outside = whole[:, 30:].astype(int), whole[:, :30]
    assert (picture.bit_depth, picture.quality_issues) == (16, [])
    assert (whole.min(), whole.max()) == (0, 255)
    assert np.corrcoef(shown.ravel(), gradient()[:, 30:].ravel())[0, 1] > 0.999
    assert (outside.max() == 0) == (colour > 2)
    deep = np.asarray(Image.open(picture.deep))
    assert np.array_equal(deep[:, 30:], values[:, 30:])


def test_a_picture_of_16_bits_in_colour_is_said_to_be_coloured_and_turned_upright():
    values = twelve_bits() * 16
    exif = Image.Exif()
    exif[0x0112] = 6
    data = wide([values, values // 2, values * 0], 2)
    at = data.index(b"IDAT") - 4
    picture = read(data[:at] + bombs.chunk(b"eXIf", exif.tobytes()[6:]) + data[at:], "film.png")
    assert picture.quality_issues == [QualityIssue.COLOUR_PICTURE]
    assert (picture.height, picture.width) == (300, 240)


def test_what_is_transparent_hides_no_flat_film():
    flat = Image.fromarray(gradient() // 10 + 200)
    opacity = Image.new("L", (300, 240), 255)
    opacity.paste(0, (0, 0, 100, 240))
    data = encoded(Image.merge("LA", (flat, opacity)))
    assert QualityIssue.LOW_CONTRAST in read(data, "film.png").quality_issues


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


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (encoded(gradient(), "JPEG"), "film.jpg"),
        (encoded(gradient().astype(np.uint16) * 200), "film.png"),
        (film(twelve_bits(), BitsStored=12, HighBit=11, WindowCenter=2048, WindowWidth=4096), "film.dcm"),
    ],
)
def test_a_child_has_nothing_to_load_before_it_reads_a_film(data, name):
    with closing(apart.values("imaging.tests.children:what_it_loads", BytesIO(data), kind="test", name=name)) as said:
        assert next(said) == []


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
