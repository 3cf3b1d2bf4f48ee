"""What a child does with a file (see `ingest`, which asks): bytes → a checked picture, in the files that it may write.

No database and no web here. What it refuses it says; whatever else happens is the file's refusal all the same.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from io import BufferedReader, BytesIO
from pathlib import PurePath
from typing import IO, cast

import numpy as np
import pydicom
from django.utils.translation import gettext as _
from PIL import Image
from pydicom import uid
from pydicom.dataset import FileMetaDataset

from imaging import burnt_in, codec, dicom, exposure, kinds, png, raster, sides
from imaging.decoded import Facts, Named, Refused
from imaging.dicom.spacing import spacing
from imaging.quality import quality_issues

MEGABYTE = 1_000_000
MAX_PICTURE_BYTES = 10 * MEGABYTE

# A 16-bit film from the largest panels is 37 MB uncompressed, as hospitals' archives write them.
MAX_DICOM_BYTES = 64 * MEGABYTE

PNG, JPEG, DICOM = "PNG", "JPEG", "DICOM"
SUFFIXES = {  # the usual one first
    PNG: [".png", ".apng"],
    JPEG: [".jpg", ".jpeg", ".jpe", ".jfif"],
    DICOM: [".dcm", ".dicom", ""],
}

# For the browser's file chooser: only a hint.
ACCEPTED = ",".join(suffix for suffixes in SUFFIXES.values() for suffix in suffixes if suffix)

TELLING = 1 << 16  # bytes

THUMBNAIL_EDGE = 320

SMALL = 64  # pixels a side of the films that are read to begin with


def picture(
    source: IO[bytes], pixels: IO[bytes], thumbnail: IO[bytes], deep: IO[bytes], *, name: str
) -> Iterator[dict]:
    """Yield what a Picture says beside its files, which are written (`deep` where there are more than 8 bits); or why
    it is refused."""
    try:
        yield _picture(source, name, pixels, thumbnail, deep)
    except Refused as refusal:
        yield {"refused": str(refusal)}


def warm_up() -> None:
    """Read one film of each kind, drawn here: what is loaded when it is first used, no child has to load."""
    for name, film in _small_films():
        list(picture(BytesIO(film), BytesIO(), BytesIO(), BytesIO(), name=name))
    codec.warm_up()
    sides.score(Image.new("L", (SMALL, SMALL)))  # which is asked of chests alone


def _small_films() -> Iterator[tuple[str, bytes]]:
    ramp = np.arange(SMALL * SMALL, dtype=np.uint16).reshape(SMALL, SMALL)
    for name, pixels in (("film.png", ramp), ("film.jpeg", ramp.astype(np.uint8))):
        target = BytesIO()
        Image.fromarray(pixels).save(target, PurePath(name).suffix[1:])
        yield name, target.getvalue()
    film = pydicom.Dataset()
    film.SOPClassUID, film.SOPInstanceUID = uid.DigitalXRayImageStorageForPresentation, uid.generate_uid()
    film.Modality, film.PhotometricInterpretation, film.SamplesPerPixel = "DX", "MONOCHROME2", 1
    film.Rows = film.Columns = SMALL
    film.BitsAllocated, film.BitsStored, film.PixelRepresentation = 16, 16, 0
    film.WindowCenter = film.WindowWidth = SMALL * SMALL // 2
    film.PixelData = ramp.tobytes()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    target = BytesIO()
    pydicom.dcmwrite(target, film, enforce_file_format=True)
    yield "film.dcm", target.getvalue()


def said(source: IO[bytes], *, width: int) -> Iterator[dict]:
    """Yield what a kept file says beside its picture, which is `width` pixels wide, without decoding it."""
    try:
        film = dicom.parse(source) if dicom.is_dicom(_beginning(source)) else None
        pixel_spacing, spacing_from = spacing(film.dataset, width) if film else (None, "")
        yield {**_said(film), "pixel_spacing": pixel_spacing, "spacing_from": spacing_from}
    except (Refused, ValueError) as refusal:
        yield {"refused": str(refusal)}


def _picture(source: IO[bytes], name: str, pixels: IO[bytes], thumbnail: IO[bytes], deep: IO[bytes]) -> dict:
    source_format = _checked_format(source, name)
    source.seek(0)
    sha256 = hashlib.file_digest(cast(BufferedReader, source), "sha256").hexdigest()
    source.seek(0)
    if source_format == DICOM:
        film = dicom.parse(source)
        said = _said(film)
        decoded = dicom.decode(film)
        del film
    else:
        said, decoded = _said(None), raster.read(source.read())
    height, width = decoded.grey.shape
    png.write(pixels, decoded.grey)
    reduced = burnt_in.reduced(decoded.grey)
    small = Image.fromarray(reduced)
    small.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE), Image.Resampling.HAMMING)  # as sharp as bicubic, in half its time
    small.save(thumbnail, "JPEG", quality=85)
    if decoded.deep:
        png.write(deep, decoded.deep.values, {"tone": json.dumps(decoded.deep.told())})
    return said | {
        "sha256": sha256,
        "source_format": source_format,
        "width": width,
        "height": height,
        "bit_depth": decoded.bit_depth,
        "pixel_spacing": decoded.pixel_spacing,
        "spacing_from": decoded.spacing_from,
        "quality_issues": quality_issues(decoded, reduced, small, is_burnt_in=said["facts"]["burned_in"]),
        "view": decoded.view or said["view"],
        "taken_on": decoded.taken_on and decoded.taken_on.isoformat(),
    }


def _said(film: dicom.Film | None) -> dict:
    """What stands beside the picture. Only DICOM says anything."""
    exposed = exposure.read(film.dataset) if film else exposure.Exposure()
    named = dicom.named(film.dataset) if film else Named()
    facts = dicom.facts_of(film.dataset) if film else Facts()
    return {
        "body_part": exposed.body_part,
        "patient_age": exposed.patient_age,
        "view": exposed.view,
        "named": _in_json(replace(named, age=exposed.patient_age)),
        "facts": _in_json(facts),
    }


def _in_json(said: Named | Facts) -> dict:
    return {key: value.isoformat() if hasattr(value, "isoformat") else value for key, value in asdict(said).items()}


def _beginning(source: IO[bytes]) -> bytes:
    """As much of the file as tells its kind, after which it is at its start again."""
    beginning = source.read(TELLING)
    source.seek(0)
    return beginning


def _checked_format(source: IO[bytes], name: str) -> str:
    """Return the format that both content and name agree on, of a file small enough to read."""
    beginning, size = _beginning(source), source.seek(0, os.SEEK_END)
    if not beginning:
        raise Refused(_("The file is empty. Choose it again."))
    source_format = _format_by_content(beginning)
    if source_format is None:
        raise Refused(kinds.advice(beginning))
    if not _may_be_called(name, source_format):
        raise Refused(
            _("Its name does not say that it is a %(format)s file. Rename it to end in %(suffix)s and upload it again.")
            % {"format": source_format, "suffix": SUFFIXES[source_format][0]}
        )
    limit = MAX_DICOM_BYTES if source_format == DICOM else MAX_PICTURE_BYTES
    if size > limit:
        raise Refused(
            _("It is larger than the %(limit)d MB allowed for %(format)s. Export it smaller.")
            % {"limit": limit // MEGABYTE, "format": source_format}
        )
    return source_format


def _format_by_content(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    return DICOM if dicom.is_dicom(data) else None


def _may_be_called(name: str, source_format: str) -> bool:
    suffix = PurePath(name).suffix.lower()
    # Archives name DICOM files by their UID, so that what looks like a suffix is its last number.
    return suffix in SUFFIXES[source_format] or (source_format == DICOM and suffix[1:].isdigit())
