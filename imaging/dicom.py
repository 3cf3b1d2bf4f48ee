"""DICOM bytes → grey pixels as a radiologist's screen would show them (PS3.3 C.11, PS3.14).

A single-frame greyscale radiograph that decodes is taken; everything else is refused with every reason at once,
so that nobody mends one fault only to meet the next.
"""

import struct
import zlib
from collections.abc import Iterator
from datetime import date
from io import BytesIO

import pydicom
from django.utils import timezone
from django.utils.translation import gettext as _
from PIL import Image
from pydicom import uid
from pydicom.encaps import get_frame
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_preamble
from pydicom.pixels import get_decoder
from pydicom.tag import BaseTag

from imaging.decoded import MAX_PIXELS, Decoded, Refused, check_dimensions
from imaging.raster import BOMBS
from imaging.rendering import render

MAGIC_OFFSET, MAGIC = 128, b"DICM"
FILE_META_GROUP = 0x0002

# Computed, digital and scanned radiography; OT is what secondary captures of films come as, DR an old word for DX.
RADIOGRAPHS = {"CR", "DX", "DR", "RG", "OT"}

GREYSCALE = {"MONOCHROME1", "MONOCHROME2"}
BITS_ALLOCATED = {8, 16}

# Without one of these nobody can tell which number is which pixel, or how bright.
NEEDED = ("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation", "PhotometricInterpretation")

SEXES = {"F": "female", "M": "male", "O": "other"}

# Two bytes a pixel, and room for what stands before them: a deflated file that unpacks to more is a bomb.
MAX_INFLATED_BYTES = 2 * MAX_PIXELS + (1 << 20)
INFLATE_STEP = 1 << 24

PILLOW_CODED = {uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEG2000Lossless, uid.JPEG2000}

VIEWS = {"PA": "PA", "AP": "AP", "LL": "LL", "RL": "LL", "LAT": "LL", "LATERAL": "LL"}

# Anonymised files carry dates such as 1 January 1901; the first digital radiograph was taken in 1983.
FIRST_DIGITAL_RADIOGRAPH = date(1983, 1, 1)

# What pydicom and its decoders raise on damaged files.
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
    *BOMBS,
)


def is_dicom(data: bytes) -> bool:
    """Say whether `data` begins as PS3.10 files do."""
    return data[MAGIC_OFFSET : MAGIC_OFFSET + len(MAGIC)] == MAGIC


def read(data: bytes) -> Decoded:
    """Decode the single greyscale frame of a DICOM file, or raise Refused."""
    dataset = _dataset(data)
    if reasons := list(_objections(dataset)):
        raise Refused(" ".join(reasons))
    check_dimensions(dataset.Columns, dataset.Rows)
    try:
        dataset.SamplesPerPixel = 1  # as greyscale has, whether or not the file says so
        _check_coded_dimensions(dataset)
        rendered = render(dataset)
    except UNREADABLE as error:
        coding = dataset.file_meta.TransferSyntaxUID.name
        message = _("Its picture (%(coding)s) is damaged or cut off. Export it again from where it came.")
        raise Refused(message % {"coding": coding}) from error
    return Decoded(
        rendered.grey,
        bit_depth=dataset.BitsStored,
        view=VIEWS.get(_text(dataset, "ViewPosition").upper(), ""),
        taken_on=_taken_on(dataset),
        patient_name=_text(dataset, "PatientName"),
        patient_birth_date=_day(dataset, "PatientBirthDate"),
        patient_sex=SEXES.get(_text(dataset, "PatientSex").upper(), ""),
        patient_id=_text(dataset, "PatientID"),
        grey_scale_is_guessed=rendered.is_guessed,
    )


def _dataset(data: bytes) -> pydicom.Dataset:
    """What the file says, before its picture is decoded."""
    try:
        source = BytesIO(data)
        read_preamble(source, force=False)
        meta = read_dataset(source, is_implicit_VR=False, is_little_endian=True, stop_when=_is_past_file_meta)
        _check_coding(uid.UID(str(meta.get("TransferSyntaxUID") or "")))
        _check_inflated_size(meta, source)
        return pydicom.dcmread(BytesIO(data))
    except UNREADABLE as error:
        raise Refused(_("The DICOM file is damaged or incomplete. Export it again from where it came.")) from error


def _check_coding(syntax: uid.UID) -> None:
    """A file in a coding that nobody published cannot even be read to its next element."""
    if not syntax:
        raise Refused(_("It does not say how its pixels are coded (no transfer syntax). Export it again."))
    if syntax.is_private or syntax not in uid.UID_dictionary or not syntax.is_transfer_syntax:
        message = _("It is coded in a way that is not read here (transfer syntax %(uid)s). Export it uncompressed.")
        raise Refused(message % {"uid": syntax})


def _check_inflated_size(meta: pydicom.Dataset, source: BytesIO) -> None:
    """pydicom inflates a deflated file whole, however large it grows: measure it first, a step at a time."""
    if meta.get("TransferSyntaxUID") != uid.DeflatedExplicitVRLittleEndian:
        return
    inflater, rest, size = zlib.decompressobj(-zlib.MAX_WBITS), source.read(), 0
    while step := inflater.decompress(rest, INFLATE_STEP):
        rest, size = inflater.unconsumed_tail, size + len(step)
        if size > MAX_INFLATED_BYTES:
            raise Refused(_("The file unpacks to far more than a picture. Export it again without compression."))


def _is_past_file_meta(tag: BaseTag, vr: str | None, length: int) -> bool:
    return tag.group != FILE_META_GROUP


def _objections(dataset: pydicom.Dataset) -> Iterator[str]:
    """Yield a sentence for each thing that keeps `dataset` from being one greyscale radiograph."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if (modality := dataset.get("Modality")) not in RADIOGRAPHS:
        message = _("It is not an X-ray: its modality is %(modality)s. Upload a chest X-ray (CR or DX).")
        yield message % {"modality": modality or _("not given")}
    if (frames := str(dataset.get("NumberOfFrames") or 1)) != "1":
        yield _("It holds %(frames)s frames. Export the one film as a file of its own.") % {"frames": frames}
    if "PixelData" in dataset:
        yield from _objections_to_pixels(dataset, syntax)
    else:
        yield _("It holds no picture. Export it again with its pixels.")


def _objections_to_pixels(dataset: pydicom.Dataset, syntax: uid.UID) -> Iterator[str]:
    if missing := [keyword for keyword in NEEDED if dataset.get(keyword) in (None, "")]:
        yield _("It does not say its %(what)s. Export it again.") % {"what": ", ".join(missing)}
        return
    if (photometric := dataset.get("PhotometricInterpretation")) not in GREYSCALE:
        yield _("It is not greyscale but %(kind)s. Export it as greyscale.") % {"kind": photometric or _("not given")}
    if (bits := dataset.get("BitsAllocated")) not in BITS_ALLOCATED:
        yield _("Its pixels have %(bits)s bits; 8 and 16 are read. Export it with 16.") % {"bits": bits or 0}
    if syntax == uid.JPEGExtended12Bit and dataset.BitsStored > 8:  # Pillow reads eight
        yield _("Its pixels are coded as 12-bit JPEG, which is not read here. Export it uncompressed.")
    elif syntax.is_encapsulated and not _has_decoder(syntax):
        message = _("Its pixels are coded as %(coding)s, which is not read here. Export it uncompressed.")
        yield message % {"coding": syntax.name}
    if not syntax.is_encapsulated and len(dataset.PixelData) < _expected_bytes(dataset):
        yield _("Its picture is cut off. Export it again.")


def _has_decoder(syntax: uid.UID) -> bool:
    try:
        return get_decoder(syntax).is_available
    except NotImplementedError:
        return False


def _expected_bytes(dataset: pydicom.Dataset) -> int:
    samples = dataset.Rows * dataset.Columns * dataset.get("SamplesPerPixel", 1)
    return samples * dataset.BitsAllocated // 8


def _check_coded_dimensions(dataset: pydicom.Dataset) -> None:
    """The JPEG inside may claim another size than the dataset, and is decoded at its own."""
    if dataset.file_meta.TransferSyntaxUID not in PILLOW_CODED:
        return
    frame = BytesIO(get_frame(dataset.PixelData, 0, number_of_frames=1))
    with Image.open(frame, formats=["JPEG", "JPEG2000"]) as coded:
        if coded.size != (dataset.Columns, dataset.Rows):
            raise Refused(_("The file contradicts itself about the size of its picture. Export it again."))


def _taken_on(dataset: pydicom.Dataset) -> date | None:
    for keyword in ("AcquisitionDate", "ContentDate", "StudyDate"):
        day = _day(dataset, keyword)
        if day and FIRST_DIGITAL_RADIOGRAPH <= day <= timezone.localdate():
            return day
    return None


def _day(dataset: pydicom.Dataset, keyword: str) -> date | None:
    try:
        return date.fromisoformat(_text(dataset, keyword).replace(".", ""))
    except ValueError:
        return None


def _text(dataset: pydicom.Dataset, keyword: str) -> str:
    return str(dataset.get(keyword) or "").strip()
