"""A film without whose it is: a new data set of what is known to say nothing of a person (PS3.15 annex E, the basic
profile), never the old one with things taken out.

Text is none of it: a word is kept where it is one of those that the standard knows, and all else that is kept is
numbers. UIDs become others, always the same for the same key, so that films of one study stay together.
"""

import hashlib
import hmac
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import IO

import numpy as np
import pydicom
from pydicom import uid
from pydicom.datadict import dictionary_VR
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.multival import MultiValue
from pydicom.valuerep import DSfloat

from imaging.decoded import Refused
from imaging.dicom import coded, remarks, values
from imaging.dicom.door import Film, parse
from imaging.dicom.objections import RADIOGRAPHS

UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")

NUMBERS = (
    # what the bytes of the picture mean
    *("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit"),
    # how it is shown
    *("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "PixelIntensityRelationshipSign"),
    # how large it is
    *("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"),
    *("EstimatedRadiographicMagnificationFactor", "DistanceSourceToDetector", "DistanceSourceToPatient"),
    # how it was exposed
    *("KVP", "ExposureTime", "XRayTubeCurrent", "Exposure", "ExposureInuAs"),
    *("ExposureIndex", "TargetExposureIndex", "DeviationIndex", "RelativeXRayExposure"),
)

LUT_NUMBERS = ("LUTDescriptor",)
LUT_WORDS = {"ModalityLUTType": {"OD", "HU", "US", "MGML"}}
LUTS = ("ModalityLUTSequence", "VOILUTSequence")

SIDES = {"L", "R", "U", "B"}
YES_OR_NO = {"YES", "NO"}
WORDS = {
    "Modality": RADIOGRAPHS,
    "ImageType": {"ORIGINAL", "DERIVED", "PRIMARY", "SECONDARY"},
    "PresentationIntentType": {"FOR PRESENTATION", "FOR PROCESSING"},
    "ConversionType": {"DV", "DI", "DF", "WSD", "SD", "SI", "DRW", "SYN"},
    "BodyPartExamined": {"CHEST", "THORAX", "LUNG", "RIB", "STERNUM", "ABDOMEN", "CHESTABDOMEN", "CHEST_TO_ABDOMEN"},
    "ViewPosition": {"PA", "AP", "LL", "RL", "LLD", "RLD", "LLO", "RLO", "LAO", "RAO", "LPO", "RPO"},
    "Laterality": SIDES,
    "ImageLaterality": SIDES,
    "PatientOrientation": {"A", "P", "L", "R", "H", "F"},
    "BurnedInAnnotation": YES_OR_NO,
    "PhotometricInterpretation": {"MONOCHROME1", "MONOCHROME2"},
    "PresentationLUTShape": {"IDENTITY", "INVERSE"},
    "PixelIntensityRelationship": {"LIN", "LOG", "DISP"},
    "RescaleType": {"US", "HU", "OD"},
    "VOILUTFunction": {"LINEAR", "LINEAR_EXACT", "SIGMOID"},
    "LossyImageCompression": {"00", "01"},
    "LossyImageCompressionMethod": {"ISO_10918_1", "ISO_14495_1", "ISO_15444_1"},
    "PixelSpacingCalibrationType": {"GEOMETRY", "FIDUCIAL"},
}

# What every film has to have, and may leave blank.
BLANK = (
    *("PatientName", "PatientBirthDate", "PatientSex", "ReferringPhysicianName", "AccessionNumber", "Manufacturer"),
    *("StudyDate", "StudyTime", "StudyID", "SeriesNumber", "InstanceNumber"),
)

# And these, where what they said was not kept.
BLANK_ELSE = ("PatientOrientation", "Laterality")

OVERLAY_GROUPS = range(0x6000, 0x6100, 2)
OVERLAY_BIT_POSITION = 0x0102
INTEGERS = {"US", "SS", "UL", "SL", "IS"}


def write(source: IO[bytes], target: IO[bytes], *, key: str) -> Iterator[dict]:
    """What a child does: write the film in `source` without identity, and say so; or why it is refused."""
    try:
        dataset = deidentified(source.read(), key.encode())
    except Refused as refusal:
        yield {"refused": str(refusal)}
        return
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    yield {}


def deidentified(data: bytes, key: bytes) -> pydicom.Dataset:
    """Return a film of the same picture, in the same coding where nothing can be written in that. Raises Refused."""
    film = parse(BytesIO(data))
    kept = pydicom.Dataset()
    _keep(film.dataset, kept, NUMBERS, WORDS)
    for keyword in LUTS:
        if tables := [_table(one) for one in values.items(film.dataset, keyword)]:
            setattr(kept, keyword, tables)
    _name_anew(film.dataset, kept, data, key)
    _say_so(kept)
    vr, pixels, syntax = _picture(film)
    kept.add_new("PixelData", vr, pixels)
    kept.file_meta = FileMetaDataset()
    kept.file_meta.TransferSyntaxUID = syntax
    return kept


def _keep(
    source: pydicom.Dataset, target: pydicom.Dataset, numbers: tuple[str, ...], words: dict[str, set[str]]
) -> None:
    for keyword in numbers:
        found = values.numbers(source, keyword)
        if found and all(map(math.isfinite, found)):
            _set_numbers(target, keyword, found)
    for keyword, known in words.items():
        said = [word.strip().upper() for word in _several(values.raw(source, keyword))]
        if said and all(_is_known(word, known) for word in said):
            setattr(target, keyword, said if len(said) > 1 else said[0])


def _set_numbers(target: pydicom.Dataset, keyword: str, found: list[float]) -> None:
    vr = dictionary_VR(keyword)
    if vr == "US or SS":
        vr = "SS" if min(found) < 0 else "US"
    if vr in INTEGERS:
        target.add_new(keyword, vr, [int(number) for number in found])
    else:
        target.add_new(keyword, vr, [DSfloat(number, auto_format=True) if vr == "DS" else number for number in found])


def _several(value: object) -> list[str]:
    if value is None or value == "":
        return []
    return [str(one) for one in value] if isinstance(value, (MultiValue, list)) else [str(value)]


def _is_known(word: str, known: set[str]) -> bool:
    # An orientation is of up to three letters.
    return word in known or (
        max(map(len, known)) == 1 and bool(re.fullmatch(f"[{''.join(sorted(known))}]{{2,3}}", word))
    )


def _table(source: pydicom.Dataset) -> pydicom.Dataset:
    table = pydicom.Dataset()
    _keep(source, table, LUT_NUMBERS, LUT_WORDS)
    data = values.raw(source, "LUTData")
    if isinstance(data, bytes):
        table.add_new("LUTData", "OW", data[: 2 * 65536])
    else:
        _keep(source, table, ("LUTData",), {})
    return table


# -- Its new name -----------------------------------------------------------------------------------------------------


def pseudonym(key: bytes, of: str) -> bytes:
    """Sixteen bytes that stand for `of`, and lead back to it nobody who lacks the key."""
    return hmac.digest(key, of.encode(), "sha256")[:16]


def _name_anew(source: pydicom.Dataset, target: pydicom.Dataset, data: bytes, key: bytes) -> None:
    for keyword in UIDS:
        said = values.text(source, keyword)
        if said or keyword != "FrameOfReferenceUID":
            number = pseudonym(key, said or f"{keyword} of {hashlib.sha256(data).hexdigest()}")
            setattr(target, keyword, f"2.25.{int.from_bytes(number)}")
    kind = uid.UID(values.text(source, "SOPClassUID"))
    is_standard = not kind.is_private and kind.type == "SOP Class"
    target.SOPClassUID = kind if is_standard else uid.SecondaryCaptureImageStorage
    target.PatientID = pseudonym(key, "patient").hex()


def _say_so(target: pydicom.Dataset) -> None:
    for keyword in (*BLANK, *(name for name in BLANK_ELSE if name not in target)):
        setattr(target, keyword, None)
    target.PatientIdentityRemoved = "YES"
    target.LongitudinalTemporalInformationModified = "REMOVED"
    target.DeidentificationMethod = "New data set by an allow-list"
    code = pydicom.Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"
    code.CodeMeaning = "Basic Application Confidentiality Profile"
    target.DeidentificationMethodCodeSequence = [code]


# -- Its picture ------------------------------------------------------------------------------------------------------


def _picture(film: Film) -> tuple[str, bytes, uid.UID]:
    """Return VR, bytes and coding of the pixels as they are, without what is written beside, between and behind them.
    A coded picture whose parts are unclear, or with graphics in its bits, is written uncompressed."""
    dataset = film.dataset
    graphics = _bits_of_graphics(dataset)
    if film.syntax in coded.NATIVE:
        size = values.declared(dataset, "BitsAllocated") // 8
        data = values.raw(dataset, "PixelData")[: coded.pixel_count(dataset) * size]
        if graphics:
            data = _cleared(data, graphics, size, is_little=film.syntax != uid.ExplicitVRBigEndian)
        return dataset["PixelData"].VR, data + b"\0" * (len(data) % 2), film.syntax
    if not graphics:
        frame = get_frame(values.raw(dataset, "PixelData"), 0, number_of_frames=1)
        with suppress(remarks.UnclearError):
            kept = remarks.without_remarks(frame, film.syntax, coded.pixel_count(dataset))
            return "OB", encapsulate([kept]), film.syntax
    pixels = coded.decoded(dataset, film.syntax).samples
    data = _cleared(pixels.tobytes(), graphics, pixels.itemsize, is_little=True)
    return "OW" if pixels.itemsize == 2 else "OB", data + b"\0" * (len(data) % 2), uid.ExplicitVRLittleEndian


def _bits_of_graphics(dataset: pydicom.Dataset) -> int:
    """A mask of the bits that old machines drew graphics into, beside those that are the picture."""
    stored, high = values.declared(dataset, "BitsStored"), values.whole(dataset, "HighBit")
    lowest = (stored - 1 if high is None else high) + 1 - stored
    of_the_picture = ((1 << stored) - 1) << lowest
    positions = [_position(dataset, group) for group in OVERLAY_GROUPS]
    return sum({1 << position for position in positions if position}) & ~of_the_picture


def _position(dataset: pydicom.Dataset, group: int) -> int:
    tag = (group << 16) + OVERLAY_BIT_POSITION
    try:
        return int(dataset[tag].value or 0) if tag in dataset else 0
    except values.UNREADABLE_VALUE:
        return 0


def _cleared(data: bytes, mask: int, size: int, *, is_little: bool) -> bytes:
    pixels = np.frombuffer(data, f"{'<' if is_little else '>'}u{size}")
    return (pixels & pixels.dtype.type(~mask % (1 << 8 * size))).tobytes()
