"""A DICOM file's bytes → `Decoded`, or the true reason why not. Each step names what it could not read."""

import os
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import IO, BinaryIO, cast

import pydicom
from django.conf import settings
from django.utils.translation import gettext as _
from pydicom import uid
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_preamble
from pydicom.tag import BaseTag

from backoffice.formats.lists import in_turn
from imaging.decoded import Decoded, Refused, check_dimensions
from imaging.dicom import coded, facts, values
from imaging.dicom.display import displayed
from imaging.dicom.objections import objections
from imaging.dicom.spacing import spacing

MAGIC_OFFSET, MAGIC = 128, b"DICM"
FILE_META_GROUP = 0x0002

# Beside the pixels of a deflated file, bytes of what stands before them: one that unpacks to more is a bomb.
INFLATED_HEADER = 1 << 20

# pydicom reads an element in one to three steps.
STEPS_PER_ELEMENT = 3

LARGE_STEP = 1 << 16  # bytes

# A sequence whose length is said is taken apart when it is asked for. A table takes 128 kB, and these hold a few.
ASKED_FOR, LARGEST_SEQUENCE = ("ModalityLUTSequence", "VOILUTSequence"), 4 << 20
ITEMS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")

# What pydicom raises on a header whose elements do not follow one another.
UNREADABLE = (*values.UNREADABLE_VALUE, InvalidDicomError, EOFError, RuntimeError, zlib.error)


def is_dicom(data: bytes) -> bool:
    """Say whether `data` begins as PS3.10 files do."""
    return data[MAGIC_OFFSET : MAGIC_OFFSET + len(MAGIC)] == MAGIC


@dataclass(frozen=True)
class Film:
    """A file's data set, and the transfer syntax that it was written in."""

    dataset: pydicom.Dataset
    syntax: uid.UID


def read(data: bytes) -> Decoded:
    """Decode the single greyscale frame of a DICOM file, or raise Refused."""
    return decode(parse(BytesIO(data)))


def decode(film: Film) -> Decoded:
    """Decode the single greyscale frame of `film`, or raise Refused."""
    dataset, syntax = film.dataset, film.syntax
    if reasons := list(objections(dataset, syntax)):
        raise Refused(in_turn(reasons))
    check_dimensions(values.declared(dataset, "Columns"), values.declared(dataset, "Rows"))
    pixels = coded.decoded(dataset, syntax)
    shown = displayed(dataset, pixels.samples)
    pixel_spacing, spacing_from = spacing(dataset, shown.grey.shape[1])
    return Decoded(
        shown.grey,
        bit_depth=shown.bits,
        background=shown.background,
        greys=shown.greys,
        is_corrected=shown.is_corrected,
        is_damaged=pixels.probably_shifted,
        deep=shown.deep,
        pixel_spacing=pixel_spacing,
        spacing_from=spacing_from,
        view=facts.view(dataset),
        taken_on=facts.day_taken(dataset),
    )


def parse(file: IO[bytes]) -> Film:
    """Take a file apart into its elements, or raise Refused. Of it nothing is held but the elements."""
    source = Counted(file)
    try:
        syntax = _checked_syntax(source)
        if syntax == uid.DeflatedExplicitVRLittleEndian:
            source = Counted(BytesIO(_inflated(source.read())))
            dataset = read_dataset(source.as_file, is_implicit_VR=False, is_little_endian=True)
        else:
            source.seek(0)
            dataset = pydicom.dcmread(source.as_file)
            dataset.buffer = None
    except UNREADABLE as error:
        raise _too_many_elements() if source.is_spent else _damaged() from error
    if not dataset:  # pydicom hands on nothing at all where the file ends within an element
        raise Refused(_("The file is cut off: it ends in the middle of its data. Send it again, whole."))
    if any(_is_swollen(values.as_written(dataset, keyword)) for keyword in ASKED_FOR):
        raise _too_many_elements()
    return Film(dataset, syntax)


def _is_swollen(value: object) -> bool:
    return isinstance(value, bytes) and (
        len(value) > LARGEST_SEQUENCE or max(map(value.count, ITEMS)) > settings.DICOM_MAX_ELEMENTS
    )


class Counted:
    """A file that is read in so many steps at most: an empty element takes eight bytes of it, and pydicom half a
    kilobyte of memory for it. Nor is room made for more than there is, whatever an element says of its length."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.seek, self.tell = file.seek, file.tell
        self.size = file.seek(0, os.SEEK_END)
        self.seek(0)
        self.steps_left = STEPS_PER_ELEMENT * settings.DICOM_MAX_ELEMENTS

    @property
    def as_file(self) -> BinaryIO:
        """Itself, which can do as much of one as pydicom asks for."""
        return cast(BinaryIO, self)

    @property
    def is_spent(self) -> bool:
        return self.steps_left < 0

    def read(self, size: int = -1, /) -> bytes:
        self.steps_left -= 1
        if self.is_spent:
            raise OSError("too many elements")
        if size > LARGE_STEP:
            size = min(size, max(self.size - self.tell(), 0))
        return self.file.read(size)


def _checked_syntax(source: Counted) -> uid.UID:
    """Return the transfer syntax, once it is known to be one that says how the rest is to be parsed."""
    read_preamble(source.as_file, force=False)
    meta = read_dataset(source.as_file, is_implicit_VR=False, is_little_endian=True, stop_when=_is_past_file_meta)
    syntax = uid.UID(values.text(meta, "TransferSyntaxUID"))
    if not syntax:
        raise Refused(_("It does not say how its pixels are coded (no transfer syntax). Export it again."))
    if syntax.is_private or not syntax.is_transfer_syntax:
        message = _("It is written in a way that is not read here (transfer syntax %(uid)s). Export it uncompressed.")
        raise Refused(message % {"uid": syntax})
    return syntax


def _inflated(data: bytes) -> bytes:
    """pydicom would inflate it whole, however large it grew."""
    inflater, most = zlib.decompressobj(-zlib.MAX_WBITS), 2 * settings.PICTURE_MAX_PIXELS + INFLATED_HEADER
    inflated = inflater.decompress(data, most)
    if inflater.unconsumed_tail:
        raise Refused(_("The file unpacks to far more than a picture. Export it again without compression."))
    return inflated


def _is_past_file_meta(tag: BaseTag, vr: str | None, length: int) -> bool:
    return tag.group != FILE_META_GROUP


def _too_many_elements() -> Refused:
    message = _("It holds more than the %(most)d elements that are read, and a film has hundreds. Export it again.")
    return Refused(message % {"most": settings.DICOM_MAX_ELEMENTS})


def _damaged() -> Refused:
    return Refused(_("The DICOM file is damaged or incomplete. Export it again from where it came."))
