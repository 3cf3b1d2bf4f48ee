"""A DICOM file's bytes → `Decoded`, or the true reason why not. Each step names what it could not read."""

import struct
import zlib
from io import BytesIO

import pydicom
from django.utils.translation import gettext as _
from pydicom import uid
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_preamble
from pydicom.tag import BaseTag

from backoffice.formats.lists import in_turn
from imaging.decoded import MAX_PIXELS, Decoded, Named, Refused, check_dimensions
from imaging.dicom import coded, facts, values
from imaging.dicom.display import displayed
from imaging.dicom.objections import objections

MAGIC_OFFSET, MAGIC = 128, b"DICM"
FILE_META_GROUP = 0x0002

# Two bytes a pixel, and room for what stands before them: a deflated file that unpacks to more is a bomb.
MAX_INFLATED_BYTES = 2 * MAX_PIXELS + (1 << 20)
INFLATE_STEP = 1 << 24

# What pydicom raises on a header whose elements do not follow one another.
UNREADABLE = (
    InvalidDicomError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zlib.error,
)


def is_dicom(data: bytes) -> bool:
    """Say whether `data` begins as PS3.10 files do."""
    return data[MAGIC_OFFSET : MAGIC_OFFSET + len(MAGIC)] == MAGIC


def read(data: bytes) -> Decoded:
    """Decode the single greyscale frame of a DICOM file, or raise Refused."""
    syntax = _checked_syntax(data)
    dataset = _parsed(data)
    if reasons := list(objections(dataset, syntax)):
        raise Refused(in_turn(reasons))
    check_dimensions(values.whole(dataset, "Columns"), values.whole(dataset, "Rows"))
    grey, is_corrected = displayed(dataset, coded.decoded(dataset, syntax))
    return Decoded(
        grey,
        bit_depth=values.whole(dataset, "BitsStored"),
        is_corrected=is_corrected,
        view=facts.view(dataset),
        taken_on=facts.day_taken(dataset),
        named=facts.named(dataset),
    )


def named(data: bytes) -> Named:
    """Return whom a file that was read before names as its patient."""
    _checked_syntax(data)
    return facts.named(_parsed(data))


def _checked_syntax(data: bytes) -> uid.UID:
    """Return the transfer syntax, once it is known to be one that says how the rest is to be parsed."""
    try:
        source = BytesIO(data)
        read_preamble(source, force=False)
        meta = read_dataset(source, is_implicit_VR=False, is_little_endian=True, stop_when=_is_past_file_meta)
        syntax = uid.UID(values.text(meta, "TransferSyntaxUID"))
    except UNREADABLE as error:
        raise _damaged() from error
    if not syntax:
        raise Refused(_("It does not say how its pixels are coded (no transfer syntax). Export it again."))
    if syntax.is_private or not syntax.is_transfer_syntax:
        message = _("It is written in a way that is not read here (transfer syntax %(uid)s). Export it uncompressed.")
        raise Refused(message % {"uid": syntax})
    if syntax == uid.DeflatedExplicitVRLittleEndian:
        _check_inflated_size(source.read())
    return syntax


def _check_inflated_size(rest: bytes) -> None:
    """pydicom inflates a deflated file whole, however large it grows: measure it first, a step at a time."""
    inflater, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    try:
        while step := inflater.decompress(rest, INFLATE_STEP):
            rest, size = inflater.unconsumed_tail, size + len(step)
            if size > MAX_INFLATED_BYTES:
                raise Refused(_("The file unpacks to far more than a picture. Export it again without compression."))
    except zlib.error as error:
        raise _damaged() from error


def _is_past_file_meta(tag: BaseTag, vr: str | None, length: int) -> bool:
    return tag.group != FILE_META_GROUP


def _parsed(data: bytes) -> pydicom.Dataset:
    try:
        dataset = pydicom.dcmread(BytesIO(data))
    except UNREADABLE as error:
        raise _damaged() from error
    if not dataset:  # pydicom hands on nothing at all where the file ends within an element
        raise Refused(_("The file is cut off: it ends in the middle of its data. Send it again, whole."))
    return dataset


def _damaged() -> Refused:
    return Refused(_("The DICOM file is damaged or incomplete. Export it again from where it came."))
