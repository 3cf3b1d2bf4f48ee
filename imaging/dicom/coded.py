"""Coded pixels → decoded ones. Each coding has one decoder: what else is installed must not change what a film
looks like."""

import struct
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pydicom
from django.conf import settings
from django.utils.translation import gettext as _
from pydicom import uid
from pydicom.encaps import get_frame
from pydicom.pixels import get_decoder

from imaging import codec, jpeg
from imaging.decoded import Refused
from imaging.dicom import headers, values
from imaging.raster import BOMBS

NATIVE = {
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
}

# Of each coding that pydicom decodes, the plugin of its that does it.
PLUGINS = {
    uid.JPEG2000Lossless: "pillow",
    uid.JPEG2000: "pillow",
    uid.RLELossless: "pydicom",
}
JPEG2000 = {uid.JPEG2000Lossless, uid.JPEG2000}
JPEG2000_BYTES = 10  # of memory for each pixel, about

# What others' libraries decode (see `codec`), and the module that does it.
LIBRARIES = {
    uid.JPEGBaseline8Bit: "imagecodecs",
    uid.JPEGExtended12Bit: "imagecodecs",
    uid.JPEGLossless: "imagecodecs",
    uid.JPEGLosslessSV1: "imagecodecs",
    uid.JPEGLSLossless: "jpeg_ls",
    uid.JPEGLSNearLossless: "jpeg_ls",
}

# What a frame says that it is, if it says so.
CODINGS = {
    uid.JPEG2000Lossless: "JPEG 2000",
    uid.JPEG2000: "JPEG 2000",
    uid.RLELossless: "RLE",
    uid.JPEGBaseline8Bit: "JPEG",
    uid.JPEGExtended12Bit: "JPEG",
    uid.JPEGLossless: "JPEG Lossless",
    uid.JPEGLosslessSV1: "JPEG Lossless",
    uid.JPEGLSLossless: "JPEG-LS",
    uid.JPEGLSNearLossless: "JPEG-LS",
}

ITEM = b"\xfe\xff\x00\xe0"

# What pydicom and Pillow raise on damaged frames.
UNDECODABLE = (
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    StopIteration,
    struct.error,
    *BOMBS,
)


def is_read_here(syntax: uid.UID) -> bool:
    if syntax in LIBRARIES:
        return find_spec(LIBRARIES[syntax]) is not None
    return syntax in NATIVE or syntax in PLUGINS


def is_coded(dataset: pydicom.Dataset) -> bool:
    """Whether its pixels lie in items, as coded ones do (PS3.5 A.4), whatever its transfer syntax says."""
    return dataset["PixelData"].is_undefined_length or dataset.PixelData.startswith(ITEM)


def decoded(dataset: pydicom.Dataset, syntax: uid.UID) -> codec.Coded:
    """Return the pixels of the one frame as they are stored, of 8 or 16 bits, shape (Rows, Columns)."""
    if syntax in NATIVE:
        return codec.Coded(_native(dataset, syntax))
    frame = _frame(dataset, syntax)
    _check_claim(dataset, syntax, frame)
    if syntax in LIBRARIES:
        return _decoded_by_library(dataset, syntax, frame)
    try:
        # Of one sample there is nothing to convert, and `raw` leaves the values alone.
        pixels = get_decoder(syntax).as_array(dataset, raw=True, decoding_plugin=PLUGINS[syntax])[0]
    except UNDECODABLE as error:
        if syntax in JPEG2000 and pixel_count(dataset) * JPEG2000_BYTES > settings.FILE_MEMORY_LIMIT:
            raise MemoryError from error  # which OpenJPEG tells as damage
        raise _undecodable(syntax) from error
    return codec.Coded(_in_its_shape(dataset, syntax, pixels))


def _native(dataset: pydicom.Dataset, syntax: uid.UID) -> np.ndarray:
    """A view of the bytes as they are. Big-endian bytes were written as words (OW), also where a pixel is one byte."""
    size = values.declared(dataset, "BitsAllocated") // 8
    shape = values.declared(dataset, "Rows"), values.declared(dataset, "Columns")
    data = dataset.PixelData
    if syntax != uid.ExplicitVRBigEndian:
        return np.frombuffer(data, f"<u{size}", shape[0] * shape[1]).reshape(shape)
    if size == 1 and dataset["PixelData"].VR == "OW":
        data = np.frombuffer(data[: len(data) // 2 * 2], "<u2").byteswap().tobytes()
    pixels = np.frombuffer(data, f">u{size}", shape[0] * shape[1]).reshape(shape)
    return pixels.astype(f"<u{size}")


def _frame(dataset: pydicom.Dataset, syntax: uid.UID) -> bytes:
    try:
        return get_frame(dataset.PixelData, 0, number_of_frames=1)
    except UNDECODABLE as error:
        raise _undecodable(syntax) from error


def _check_claim(dataset: pydicom.Dataset, syntax: uid.UID, frame: bytes) -> None:
    coding = _coding(frame)
    if coding not in (None, CODINGS[syntax]):
        message = _("The file says that its pixels are coded as %(said)s, but they are %(coding)s. Export it again.")
        raise Refused(message % {"said": CODINGS[syntax], "coding": coding})
    if syntax == uid.RLELossless:
        return _check_rle(dataset, syntax, frame)
    claim = headers.jpeg2000_claim(frame) if syntax in JPEG2000 else jpeg.claim(frame)
    if claim is None:
        raise _undecodable(syntax)
    if (claim.width, claim.height) != (values.declared(dataset, "Columns"), values.declared(dataset, "Rows")):
        raise Refused(_("The file contradicts itself about the size of its picture. Export it again."))
    if claim.components != 1:
        raise Refused(_("It says that it is greyscale, but its picture is coloured. Export it as greyscale."))
    if CODINGS[syntax] == "JPEG" and claim.bits != jpeg.LOSSY_BITS:
        message = _(
            "Its pixels are coded as JPEG with %(bits)d bits, which is not read here. "
            "Export it uncompressed, or as JPEG Lossless or JPEG 2000."
        )
        raise Refused(message % {"bits": claim.bits})
    if claim.bits > values.declared(dataset, "BitsAllocated"):
        raise Refused(_("The file contradicts itself about the bits of its pixels. Export it again."))
    return None


def _coding(frame: bytes) -> str | None:
    if headers.is_jpeg2000(frame):
        return "JPEG 2000"
    claim = jpeg.claim(frame)
    return claim.coding if claim else None


def _check_rle(dataset: pydicom.Dataset, syntax: uid.UID, frame: bytes) -> None:
    segments = headers.rle_segments(frame)
    pixels = pixel_count(dataset)
    # A segment has one byte of each pixel, and perhaps one more to come out even.
    if segments is None or any(not pixels <= headers.rle_length(one) <= pixels + 1 for one in segments):
        raise _undecodable(syntax)


def _decoded_by_library(dataset: pydicom.Dataset, syntax: uid.UID, frame: bytes) -> codec.Coded:
    # JPEG-LS is looked through for an end that is not there for many seconds. JPEG may have something behind its end.
    ends = jpeg.END_OF_IMAGE in frame if codec.tells_its_length(frame) else jpeg.is_whole(frame)
    if not ends:
        raise _undecodable(syntax)
    try:
        read = codec.decode(frame, syntax)
    except ImportError as error:
        message = _(
            "What decodes %(coding)s is not whole on this server. Tell whoever runs it, or export it uncompressed."
        )
        raise Refused(message % {"coding": syntax.name}) from error
    except MemoryError:
        raise
    except Exception as error:
        raise _undecodable(syntax) from error
    if read.end_early or read.do_not_fit:
        raise _undecodable(syntax)
    return replace(read, samples=_in_its_shape(dataset, syntax, read.samples))


def pixel_count(dataset: pydicom.Dataset) -> int:
    return values.declared(dataset, "Rows") * values.declared(dataset, "Columns")


def _in_its_shape(dataset: pydicom.Dataset, syntax: uid.UID, pixels: np.ndarray) -> np.ndarray:
    """As the data set says: coders of eight bits write one byte where it may have two."""
    shape = values.declared(dataset, "Rows"), values.declared(dataset, "Columns")
    if pixels.size != shape[0] * shape[1]:
        raise _undecodable(syntax)
    kind = np.dtype(f"{pixels.dtype.kind}{values.declared(dataset, 'BitsAllocated') // 8}")
    return pixels.reshape(shape).astype(kind, copy=False)


def _undecodable(syntax: uid.UID) -> Refused:
    message = _("Its picture, coded as %(coding)s, is damaged or cut off. Export it again, or uncompressed.")
    return Refused(message % {"coding": syntax.name})
