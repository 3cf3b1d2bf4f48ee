"""JPEG Lossless and JPEG-LS by the C libraries that know them, which crash and hang on damaged files: for a child only,
whose end is one file's refusal (see backoffice/files/). Imported where they are needed, for few films are."""

from types import ModuleType
from typing import Any

JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")


def decode(frame: bytes, about: dict) -> bytes:
    """Return the pixels of one coded frame. Raises whatever the library does."""
    return decode_jpeg_ls(frame) if about["syntax"] in JPEG_LS else decode_jpeg(frame, about)


def decode_jpeg_ls(frame: bytes) -> bytes:
    import jpeg_ls

    return bytes(jpeg_ls.decode_pixel_data(frame)[0])


def decode_jpeg(frame: bytes, about: dict) -> bytes:
    import gdcm

    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((about["columns"], about["rows"], 1))
    image.SetDataElement(as_element(gdcm, frame))
    kind = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(about["syntax"])))
    image.SetPixelFormat(gdcm.PixelFormat(1, about["allocated"], about["stored"], about["stored"] - 1, about["signed"]))
    text = image.GetBuffer()  # gdcm hands bytes on as text
    del image
    return text.encode("utf-8", "surrogateescape")


def as_element(gdcm: ModuleType, frame: bytes) -> Any:
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    return element
