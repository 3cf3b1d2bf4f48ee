"""What keeps a data set from being one greyscale radiograph. Everything at once, so that nobody mends one fault only
to meet the next."""

from collections.abc import Iterator

import pydicom
from django.utils.translation import gettext as _
from pydicom import uid

from backoffice.formats.lists import listed
from imaging.dicom import values
from imaging.dicom.coded import is_coded, is_read_here

# Computed, digital and scanned radiography; OT is what secondary captures of films come as, DR an old word for DX.
RADIOGRAPHS = {"CR", "DX", "DR", "RG", "OT"}

DIRECTORY = "DirectoryRecordSequence"

# What is to be processed before anybody looks at it (PS3.3 C.8.11.1): dark where films are bright, and flat.
FOR_PROCESSING = "FOR PROCESSING"
RAW = {
    uid.DigitalXRayImageStorageForProcessing,
    uid.DigitalMammographyXRayImageStorageForProcessing,
    uid.DigitalIntraOralXRayImageStorageForProcessing,
}

GREYSCALE = {"MONOCHROME1", "MONOCHROME2"}
BITS_ALLOCATED = {8, 16}

# Without these nobody can tell what the bytes of the picture mean. One sample a pixel is what grey films have.
NEEDED = ("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation")


def objections(dataset: pydicom.Dataset, syntax: uid.UID) -> Iterator[str]:
    """Yield a sentence for each thing that keeps `dataset` from being one greyscale radiograph."""
    if DIRECTORY in dataset:
        yield _("It is the table of contents of a disc (DICOMDIR). Upload the files that lie beside it.")
        return
    if (modality := values.word(dataset, "Modality")) not in RADIOGRAPHS:
        message = _("It is not an X-ray: its modality is %(modality)s. Upload a chest X-ray (CR or DX).")
        yield message % {"modality": modality or _("not given")}
    if _is_for_processing(dataset):
        yield _(
            "It holds raw values from the detector (FOR PROCESSING), which nobody is to read from. "
            "Export the film that was made of them, FOR PRESENTATION."
        )
    frames = values.text(dataset, "NumberOfFrames") or "1"
    if frames != "1" and values.whole(dataset, "NumberOfFrames") != 1:
        yield _("It holds %(frames)s frames. Export the one film as a file of its own.") % {"frames": frames}
    pixels = values.raw(dataset, "PixelData")
    if pixels and isinstance(pixels, bytes):
        yield from _objections_to_pixels(dataset, syntax)
    else:
        yield _("It holds no picture. Export it again with its pixels.")


def _is_for_processing(dataset: pydicom.Dataset) -> bool:
    intent = values.word(dataset, "PresentationIntentType")
    return intent == FOR_PROCESSING or values.text(dataset, "SOPClassUID") in RAW


def _objections_to_pixels(dataset: pydicom.Dataset, syntax: uid.UID) -> Iterator[str]:
    photometric = values.word(dataset, "PhotometricInterpretation")
    samples = values.text(dataset, "SamplesPerPixel") or "1"
    if photometric and photometric not in GREYSCALE:
        yield _("It is not greyscale but %(kind)s. Export it as greyscale.") % {"kind": photometric}
    elif samples != "1":
        yield _("It has %(samples)s samples per pixel; a greyscale film has one. Export it as greyscale.") % {
            "samples": samples
        }
    if not is_read_here(syntax):
        message = _("Its pixels are coded as %(coding)s, which is not read here. Export it uncompressed.")
        yield message % {"coding": syntax.name}
    elif syntax.is_encapsulated and not is_coded(dataset):
        message = _(
            "The file says that its pixels are coded as %(said)s, but they are not coded at all. Export it again."
        )
        yield message % {"said": syntax.name}
    elif not syntax.is_encapsulated and dataset["PixelData"].is_undefined_length:
        yield _("The file says that its pixels are not coded, but they are. Export it again.")
        return
    missing = [name for name in NEEDED if values.whole(dataset, name) is None]
    if not photometric:
        missing.append("PhotometricInterpretation")
    if missing:
        message = _("It does not say how its pixels are to be read: it lacks %(names)s. Export it again.")
        yield message % {"names": listed(missing)}
    else:
        yield from _objections_to_bits(dataset, syntax)


def _objections_to_bits(dataset: pydicom.Dataset, syntax: uid.UID) -> Iterator[str]:
    allocated, stored = values.declared(dataset, "BitsAllocated"), values.declared(dataset, "BitsStored")
    high = values.whole(dataset, "HighBit")
    high = stored - 1 if high is None else high
    if allocated not in BITS_ALLOCATED:
        yield _("Its pixels have %(bits)s bits; 8 and 16 are read. Export it with 16.") % {"bits": allocated}
    elif not 1 <= stored <= allocated or not stored - 1 <= high < allocated:
        message = _(
            "It contradicts itself about the bits of a pixel: %(stored)d stored, the highest at %(high)d, "
            "of %(allocated)d. Export it again."
        )
        yield message % {"stored": stored, "high": high, "allocated": allocated}
    elif values.whole(dataset, "PixelRepresentation") not in (0, 1):
        yield _(
            "It does not say whether its pixels are signed (PixelRepresentation is neither 0 nor 1). Export it again."
        )
    elif not syntax.is_encapsulated and len(values.raw(dataset, "PixelData")) < _expected_bytes(dataset):
        yield _("Its picture is cut off. Export it again.")


def _expected_bytes(dataset: pydicom.Dataset) -> int:
    rows, columns, bits = (values.declared(dataset, name) for name in ("Rows", "Columns", "BitsAllocated"))
    return rows * columns * bits // 8
