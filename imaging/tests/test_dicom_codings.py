"""Every coding that archives hold: decoded by one decoder, apart where that is C, and refused for the true reason."""

import struct
from io import BytesIO

import jpeg_ls
import numpy as np
import pydicom
import pytest
from imagecodecs import jpeg8_encode
from PIL import Image
from pydicom import uid
from pydicom.encaps import encapsulate

from imaging import dicom
from imaging.dicom import coded
from imaging.ingest import Refused, read
from imaging.tests.pictures import encoded, gradient
from imaging.tests.realfiles import FOLDER, needs_real_files
from imaging.tests.test_dicom import film, shown, twelve_bits

TWELVE = {"BitsStored": 12, "HighBit": 11}


def with_frame(frame: bytes, syntax: uid.UID, data: bytes | None = None) -> bytes:
    dataset = pydicom.dcmread(BytesIO(data or film(gradient())))
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = syntax
    target = BytesIO()
    dataset.save_as(target, enforce_file_format=False)
    return target.getvalue()


def jpeg_lossless(picture: np.ndarray, bits: int | None = None) -> bytes:
    """Process 14, selection value 1, with one Huffman table whose codes are all of five bits."""
    bits = bits or (8 if picture.itemsize == 1 else 12)
    values = picture.astype(int)
    predicted = np.empty_like(values)
    predicted[:, 1:] = values[:, :-1]
    predicted[1:, 0] = values[:-1, 0]
    predicted[0, 0] = 1 << (bits - 1)
    stream = "".join(_coded_difference(int(d)) for d in (values - predicted).ravel())
    stream += "1" * (-len(stream) % 8)
    body = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\0")
    height, width = picture.shape
    frame = struct.pack(">BHHBBBB", bits, height, width, 1, 1, 0x11, 0)
    table = bytes([0]) + bytes([0, 0, 0, 0, 17, *[0] * 11]) + bytes(range(17))
    return (
        b"\xff\xd8"
        + b"".join(_segment(marker, data) for marker, data in [(0xC3, frame), (0xC4, table)])
        + _segment(0xDA, bytes([1, 1, 0, 1, 0, 0]))
        + body
        + b"\xff\xd9"
    )


def _coded_difference(difference: int) -> str:
    size = abs(difference).bit_length()
    rest = difference if difference >= 0 else difference + (1 << size) - 1
    return f"{size:05b}" + (f"{rest:0{size}b}" if size else "")


def _segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


@pytest.mark.parametrize("syntax", [uid.JPEGLossless, uid.JPEGLosslessSV1])
@pytest.mark.parametrize(("picture", "tags"), [(gradient(), {}), (twelve_bits(), TWELVE)])
def test_jpeg_lossless_looks_as_the_film_uncompressed(syntax, picture, tags):
    plain = film(picture, **tags)
    assert np.array_equal(shown(with_frame(jpeg_lossless(picture), syntax, plain)), shown(plain))


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("bits", [7, 8, 10, 12, 14, 16])
def test_jpeg_lossless_of_every_kind_is_read_to_the_last_bit(predictor, bits):
    noise = np.random.default_rng(bits).integers(0, 1 << bits, (64, 80))
    picture = noise.astype(np.uint8 if bits <= 8 else np.uint16)
    picture[:8], picture[8:16, ::2] = 0, (1 << bits) - 1  # steps as high as there are
    frame = jpeg8_encode(picture, lossless=True, predictor=predictor, bitspersample=bits)
    tags = {"BitsAllocated": 8 * picture.itemsize, "BitsStored": bits, "HighBit": bits - 1}
    parsed = dicom.parse(BytesIO(with_frame(frame, uid.JPEGLossless, film(picture, **tags))))
    assert np.array_equal(coded.decoded(parsed.dataset, parsed.syntax).samples, picture)


def noisy(bits: int) -> np.ndarray:
    noise = np.random.default_rng(bits).integers(0, 1 << bits, (64, 80)) // 4
    return noise.astype(np.uint8 if bits <= 8 else np.uint16)


@pytest.mark.parametrize(
    ("frame", "syntax", "plain"),
    [
        (jpeg8_encode(noisy(8), lossless=True, predictor=1), uid.JPEGLosslessSV1, film(noisy(8))),
        (
            jpeg8_encode(noisy(12), lossless=True, predictor=1, bitspersample=12),
            uid.JPEGLossless,
            film(noisy(12), **TWELVE),
        ),
        (encoded(noisy(8), "JPEG", quality=95), uid.JPEGBaseline8Bit, film(noisy(8))),
    ],
)
@pytest.mark.parametrize(
    "damage",
    [
        lambda frame: frame[:-60] + frame[-2:],
        lambda frame: frame[:-2] + bytes(range(1, 100)) + frame[-2:],
        lambda frame: frame[: len(frame) // 2] + frame[len(frame) * 2 // 3 :],
    ],
)
def test_a_jpeg_whose_data_do_not_fit_its_picture_is_refused(frame, syntax, plain, damage):
    """libjpeg fills up what is missing, leaves what is too many, and says nothing of either."""
    assert shown(with_frame(bytes(frame), syntax, plain)).any()
    with pytest.raises(Refused, match="is damaged or cut off"):
        read(with_frame(damage(bytes(frame)), syntax, plain), "film.dcm")


def test_a_progressive_jpeg_in_a_film_is_refused_where_a_part_of_it_is_missing():
    frame = encoded(gradient(), "JPEG", progressive=True)
    assert shown(with_frame(frame, uid.JPEGBaseline8Bit)).any()
    with pytest.raises(Refused, match="is damaged or cut off"):
        read(with_frame(frame[: len(frame) // 2] + frame[-2:], uid.JPEGBaseline8Bit), "film.dcm")


def test_a_film_that_is_brighter_from_one_block_on_is_said_to_be_damaged():
    """Where its samples alone show it, a person decides."""
    picture = gradient() // 2
    picture[120:128, 104:] += 20
    picture[128:] += 20
    frame = encoded(picture, "JPEG", quality=95)
    assert "damaged" in read(with_frame(frame, uid.JPEGBaseline8Bit, film(picture)), "film.dcm").quality_issues


def test_a_sound_film_may_end_in_middle_grey():
    """As a decoder's fill does."""
    picture = np.full((64, 80), 128, np.uint8)
    picture[:40] = noisy(8)[:40]
    for frame in (jpeg_lossless(picture), bytes(jpeg8_encode(picture, lossless=True, predictor=1))):
        assert np.array_equal(shown(with_frame(frame, uid.JPEGLosslessSV1, film(picture))), shown(film(picture)))


@pytest.mark.parametrize("syntax", [uid.JPEGLSLossless, uid.JPEGLSNearLossless])
@pytest.mark.parametrize(("picture", "tags"), [(gradient(), {}), (twelve_bits(), TWELVE)])
def test_jpeg_ls_looks_as_the_film_uncompressed(syntax, picture, tags):
    plain = film(picture, **tags)
    frame = bytes(jpeg_ls.encode_array(picture, lossy_error=0))
    assert np.array_equal(shown(with_frame(frame, syntax, plain)), shown(plain))


def test_a_jpeg_of_eight_bits_may_have_room_for_sixteen():
    roomy = film(gradient().astype(np.uint16), BitsStored=8, HighBit=7)
    frame = encoded(gradient(), "JPEG", quality=95)
    in_two_bytes, in_one = (with_frame(frame, uid.JPEGBaseline8Bit, plain) for plain in (roomy, film(gradient())))
    assert np.array_equal(shown(in_two_bytes), shown(in_one))


@pytest.mark.parametrize(
    ("frame", "syntax"),
    [
        (jpeg_lossless(gradient())[:2000], uid.JPEGLosslessSV1),
        (jpeg_lossless(gradient())[:-2], uid.JPEGLosslessSV1),
        (bytes(jpeg_ls.encode_array(gradient()))[:500], uid.JPEGLSLossless),
        (b"\xff\xd8\xff\xd9", uid.JPEGLosslessSV1),
        (b"\xff\xd8\xff\xd9", uid.JPEGLSLossless),
        (b"\xff\xd8\xff\xd9", uid.JPEGBaseline8Bit),
        (b"nothing at all", uid.JPEG2000Lossless),
        (b"nothing at all", uid.RLELossless),
    ],
)
def test_a_damaged_frame_is_said_to_be_damaged_with_its_coding(frame, syntax):
    with pytest.raises(Refused, match=r"Its picture, coded as .*, is damaged or cut off"):
        read(with_frame(frame, syntax), "film.dcm")


def test_a_decoder_that_is_not_whole_is_the_servers_fault_and_not_the_films(monkeypatch):
    def not_whole(*_):
        raise ImportError("libcharls.so.2: cannot open shared object file")

    monkeypatch.setattr(coded.codec, "decode", not_whole)
    with pytest.raises(Refused, match="is not whole on this server"):
        dicom.read(with_frame(bytes(jpeg_ls.encode_array(gradient())), uid.JPEGLSLossless))


def test_a_jpeg_2000_film_too_large_for_the_memory_is_not_called_damaged():
    frame = encoded(Image.new("I;16", (8000, 8000), 10), "JPEG2000", no_jp2=True)
    film_of_64_megapixels = film(gradient(), BitsAllocated=16, BitsStored=16, HighBit=15, Rows=8000, Columns=8000)
    with pytest.raises(Refused, match="more memory than the 570 MB"):
        read(with_frame(frame, uid.JPEG2000Lossless, film_of_64_megapixels), "film.dcm")


@pytest.mark.parametrize(
    ("frame", "syntax"),
    [
        (encoded(gradient(500, 500), "JPEG"), uid.JPEGBaseline8Bit),
        (encoded(gradient(500, 500), "JPEG2000", no_jp2=True), uid.JPEG2000Lossless),
        (jpeg_lossless(gradient(301, 240)), uid.JPEGLosslessSV1),
        (bytes(jpeg_ls.encode_array(gradient(301, 240))), uid.JPEGLSLossless),
    ],
)
def test_a_frame_of_another_size_is_never_decoded(frame, syntax, monkeypatch):
    monkeypatch.setattr(coded, "get_decoder", lambda _syntax: pytest.fail("it was decoded"))
    monkeypatch.setattr(coded.codec, "decode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(Refused, match="contradicts itself about the size"):
        dicom.read(with_frame(frame, syntax))


@pytest.mark.parametrize(
    ("frame", "syntax", "says"),
    [
        (jpeg_lossless(gradient()), uid.JPEGBaseline8Bit, "coded as JPEG, but they are JPEG Lossless"),
        (encoded(gradient(), "JPEG"), uid.JPEGLosslessSV1, "coded as JPEG Lossless, but they are JPEG"),
        (bytes(jpeg_ls.encode_array(gradient())), uid.JPEGLossless, "coded as JPEG Lossless, but they are JPEG-LS"),
        (encoded(gradient(), "JPEG2000", no_jp2=True), uid.JPEGBaseline8Bit, "coded as JPEG, but they are JPEG 2000"),
        (encoded(gradient(), "JPEG2000"), uid.RLELossless, "coded as RLE, but they are JPEG 2000"),
        (encoded(gradient(), "JPEG"), uid.JPEG2000, "coded as JPEG 2000, but they are JPEG"),
        (encoded(gradient(), "JPEG"), uid.RLELossless, "coded as RLE, but they are JPEG"),
    ],
)
def test_a_frame_of_another_coding_is_the_reason(frame, syntax, says):
    with pytest.raises(Refused, match=says):
        read(with_frame(frame, syntax), "film.dcm")


@pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEGLosslessSV1, uid.JPEG2000, uid.RLELossless])
def test_a_film_whose_pixels_are_not_coded_though_it_says_so_is_not_called_damaged(syntax):
    with pytest.raises(Refused, match="but they are not coded at all"):
        read(said_to_be_coded(film(gradient()), uid.ExplicitVRLittleEndian, syntax), "film.dcm")


def test_a_film_whose_pixels_are_coded_though_it_says_not_is_not_called_cut_off():
    coded_film = with_frame(encoded(gradient(), "JPEG"), uid.JPEGBaseline8Bit)
    with pytest.raises(Refused, match="its pixels are not coded, but they are"):
        read(said_to_be_coded(coded_film, uid.JPEGBaseline8Bit, uid.ExplicitVRLittleEndian), "film.dcm")


def said_to_be_coded(data: bytes, syntax: uid.UID, other: uid.UID) -> bytes:
    was, is_ = (
        struct.pack("<4s2sH", b"\x02\0\x10\0", b"UI", len(one) + len(one) % 2) + one.encode() + bytes(len(one) % 2)
        for one in (syntax, other)
    )
    assert was in data
    return data.replace(was, is_)


def test_jpeg_ls_without_an_end_costs_no_time(monkeypatch):
    monkeypatch.setattr(coded.codec, "decode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(Refused, match="cut off"):
        dicom.read(with_frame(bytes(jpeg_ls.encode_array(gradient()))[:-300], uid.JPEGLSLossless))


def test_a_run_length_bomb_is_never_unpacked(monkeypatch):
    monkeypatch.setattr(coded, "get_decoder", lambda _syntax: pytest.fail("it was decoded"))
    bomb = struct.pack("<16L", 1, 64, *[0] * 14) + b"\x81\0" * 1_000_000
    with pytest.raises(Refused, match="damaged or cut off"):
        dicom.read(with_frame(bomb, uid.RLELossless))


def test_each_coding_has_one_decoder_whatever_else_is_installed():
    read_here = {*coded.PLUGINS, *coded.LIBRARIES, *coded.NATIVE}
    assert {one for one in read_here if coded.is_read_here(one)} == read_here
    assert not coded.is_read_here(uid.HTJ2KLossless)


def with_syntax(data: bytes, new: str) -> bytes:
    old, padded = b"1.2.840.10008.1.2.1\0", new.encode() + b"\0" * (len(new) % 2)
    at = data.index(old)
    return data[: at - 2] + struct.pack("<H", len(padded)) + padded + data[at + len(old) :]


@pytest.mark.parametrize("syntax", ["1.2.840.113619.5.2", "1.2.840.10008.1.2.4.999", "1.2.826.0.1.3680043.9.7433.99"])
def test_an_unknown_transfer_syntax_is_the_reason(syntax):
    with pytest.raises(Refused, match=f"not read here .transfer syntax {syntax}"):
        read(with_syntax(film(gradient()), syntax), "film.dcm")


def test_an_empty_transfer_syntax_is_the_reason():
    with pytest.raises(Refused, match="no transfer syntax"):
        read(with_syntax(film(gradient()), ""), "film.dcm")


@pytest.mark.parametrize("keyword", ["BitsStored", "PixelRepresentation", "Rows", "Columns"])
@pytest.mark.filterwarnings("ignore:A value of type")
@pytest.mark.parametrize("value", [None, ""])
def test_an_attribute_that_is_missing_is_the_reason(keyword, value):
    with pytest.raises(Refused, match=f"it lacks {keyword}"):
        read(film(twelve_bits(), **(TWELVE | {keyword: value})), "film.dcm")


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ({"BitsStored": 17}, "contradicts itself about the bits"),
        ({"BitsStored": 0}, "contradicts itself about the bits"),
        ({"HighBit": 3}, "contradicts itself about the bits"),
        ({"PixelRepresentation": 2}, "signed"),
        ({"SamplesPerPixel": 3}, "3 samples per pixel"),
        ({"PhotometricInterpretation": ""}, "it lacks PhotometricInterpretation"),
    ],
)
def test_a_contradiction_is_the_reason(tags, says):
    with pytest.raises(Refused, match=says):
        read(film(twelve_bits(), **(TWELVE | tags)), "film.dcm")


@pytest.mark.filterwarnings("ignore:End of file")
@pytest.mark.parametrize("coding", ["uncompressed", "compressed"])
def test_a_file_that_ends_too_early_is_said_to_be_cut_off(coding):
    data = film(gradient())
    if coding == "compressed":
        data = with_frame(encoded(gradient(), "JPEG"), uid.JPEGBaseline8Bit)
    with pytest.raises(Refused, match="cut off"):
        read(data[: len(data) * 2 // 3], "film.dcm")


@needs_real_files
def test_a_12_bit_jpeg_is_named():
    dataset = pydicom.dcmread(FOLDER / "dicom" / "nm_jpeg_extended_12bit.dcm")
    dataset.Modality, dataset.NumberOfFrames = "DX", 1
    target = BytesIO()
    dataset.save_as(target)
    with pytest.raises(Refused, match="JPEG with 12 bits"):
        read(target.getvalue(), "film.dcm")
