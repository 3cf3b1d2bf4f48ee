"""JPEG Lossless and JPEG-LS by the C libraries that know them, which crash and hang on damaged files: for a child only,
whose end is one file's refusal (see backoffice/files/). Imported where they are needed, for few films are."""

import os
import struct
from collections.abc import Iterator

from pydicom.uid import SecondaryCaptureImageStorage

UNDEFINED_LENGTH = 0xFFFFFFFF
ITEM, END_OF_ITEMS = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)

JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")


def decode(frame: bytes, about: dict) -> bytes | bytearray:
    """Return the pixels of one coded frame. Raises whatever the library does."""
    return decode_jpeg_ls(frame) if about["syntax"] in JPEG_LS else decode_jpeg(frame, about)


def decode_jpeg_ls(frame: bytes) -> bytes:
    import jpeg_ls

    return bytes(jpeg_ls.decode_pixel_data(frame)[0])


def decode_jpeg(frame: bytes, about: dict) -> bytearray:
    """By a film in memory that holds the frame and nothing else: of pixels that gdcm is handed it makes text, which
    takes twice the time and up to four bytes for each."""
    import gdcm

    with os.fdopen(os.memfd_create("film"), "wb") as film:
        film.writelines(as_film(frame, about))
        film.flush()
        reader = gdcm.ImageRegionReader()
        reader.SetFileName(f"/proc/self/fd/{film.fileno()}")
        if not reader.ReadInformation():
            raise ValueError("no film")
        whole = gdcm.BoxRegion()
        whole.SetDomain(0, about["columns"] - 1, 0, about["rows"] - 1, 0, 0)
        reader.SetRegion(whole)
        pixels = bytearray(reader.ComputeBufferLength())
        if not reader.ReadIntoBuffer(pixels):
            raise ValueError("not decoded")
    return pixels


def as_film(frame: bytes, about: dict) -> Iterator[bytes]:
    """Yield the parts of a DICOM file (PS3.10) of one frame."""
    syntax = _element(0x00020010, b"UI", about["syntax"].encode())
    yield bytes(128) + b"DICM" + _element(0x00020000, b"UL", struct.pack("<I", len(syntax))) + syntax
    yield _element(0x00080016, b"UI", SecondaryCaptureImageStorage.encode())
    yield _element(0x00280002, b"US", struct.pack("<H", 1)) + _element(0x00280004, b"CS", b"MONOCHROME2")
    numbers = {
        0x00280010: about["rows"],
        0x00280011: about["columns"],
        0x00280100: 8 if about["stored"] <= 8 else 16,
        0x00280101: about["stored"],
        0x00280102: about["stored"] - 1,
        0x00280103: about["signed"],
    }
    yield b"".join(_element(tag, b"US", struct.pack("<H", number)) for tag, number in numbers.items())
    padded = len(frame) + len(frame) % 2
    yield struct.pack("<2H2s2xI", 0x7FE0, 0x0010, b"OB", UNDEFINED_LENGTH)
    yield struct.pack("<2HI2HI", *ITEM, 0, *ITEM, padded)
    yield frame
    yield bytes(len(frame) % 2) + struct.pack("<2HI", *END_OF_ITEMS, 0)


def _element(tag: int, vr: bytes, value: bytes) -> bytes:
    value += bytes(len(value) % 2)
    return struct.pack("<2H2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value
