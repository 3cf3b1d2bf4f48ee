"""The door: bytes → a checked picture, or a sentence that says why not. No database here.

A hostile file is decoded once, in `read`. Everything after it — viewer, enhanced view, models — sees only the
canonical picture made here: an 8-bit grey PNG, upright, without metadata.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from pathlib import PurePath
from typing import IO

import numpy as np
from django.core.files.base import File
from django.utils.translation import gettext as _
from PIL import Image

from imaging import dicom, exposure, raster
from imaging.decoded import Named, Refused
from imaging.quality import quality_issues

__all__ = ["ACCEPTED", "Picture", "Refused", "read"]

MEGABYTE = 1_000_000
MAX_PICTURE_BYTES = 10 * MEGABYTE

# A 16-bit film from the largest panels is 37 MB uncompressed, as hospitals' archives write them.
MAX_DICOM_BYTES = 64 * MEGABYTE

PNG, JPEG, DICOM = "PNG", "JPEG", "DICOM"
SUFFIXES = {PNG: [".png"], JPEG: [".jpg", ".jpeg"], DICOM: [".dcm", ".dicom", ""]}  # the usual one first

# For the browser's file chooser: only a hint.
ACCEPTED = ",".join(suffix for suffixes in SUFFIXES.values() for suffix in suffixes if suffix)

THUMBNAIL_EDGE = 320

# zlib's level 3 writes an 18 Mpx film in a fifth of the default's time for a few per cent more bytes.
PNG_EFFORT = 3


@dataclass(frozen=True)
class Picture:
    """A picture that may be kept.

    `sha256` is that of the file as it came; `width` and `height` are those of `pixels_png`, the canonical picture;
    `bit_depth` is that of the source. `thumbnail` is a grey JPEG of at most THUMBNAIL_EDGE pixels a side.
    `quality_issues` are `QualityIssue` values. `view`, `taken_on` and `named` come from DICOM, else are empty.
    """

    sha256: str
    source_format: str
    width: int
    height: int
    bit_depth: int
    pixels_png: bytes
    thumbnail: bytes
    quality_issues: list[str]
    body_part: str = ""
    patient_age: int | None = None
    view: str = ""
    taken_on: date | None = None
    named: Named = field(default_factory=Named)

    @property
    def patient_name(self) -> str:
        return self.named.full_name


def read(source: bytes | IO[bytes], name: str) -> Picture:
    """Check the file `source`, called `name` by whoever sent it, and return its picture.

    Raises Refused, with a sentence for the user, where the file is too large, of another kind than it may be or
    claims to be, damaged, or not one greyscale still.
    """
    data = source if isinstance(source, bytes) else source.read(MAX_DICOM_BYTES + 1)
    source_format = _checked_format(data, name)
    decoded = dicom.read(data) if source_format == DICOM else raster.read(data)
    exposed = exposure.read(data) if source_format == DICOM else exposure.Exposure()
    height, width = decoded.grey.shape
    return Picture(
        sha256=hashlib.sha256(data).hexdigest(),
        source_format=source_format,
        width=width,
        height=height,
        bit_depth=decoded.bit_depth,
        pixels_png=_png(decoded.grey),
        thumbnail=_thumbnail(decoded.grey),
        quality_issues=quality_issues(decoded),
        body_part=exposed.body_part,
        patient_age=exposed.patient_age,
        view=decoded.view or exposed.view,
        taken_on=decoded.taken_on,
        named=decoded.named,
    )


def named(source: File) -> Named:
    """Return whom a kept file names as its patient, without decoding its picture."""
    with source.open("rb") as file:
        data = file.read(MAX_DICOM_BYTES + 1)
    return dicom.named(data) if dicom.is_dicom(data) else Named()


def _checked_format(data: bytes, name: str) -> str:
    """Return the format that both content and name agree on, of a file small enough to read."""
    if not data:
        raise Refused(_("The file is empty. Choose it again."))
    source_format = _format_by_content(data)
    if source_format is None:
        raise Refused(_("It is no PNG, JPEG or DICOM file, or has lost its header. Export it again as one of these."))
    if not _may_be_called(name, source_format):
        raise Refused(
            _("Its name does not say that it is a %(format)s file. Rename it to end in %(suffix)s and upload it again.")
            % {"format": source_format, "suffix": SUFFIXES[source_format][0]}
        )
    limit = MAX_DICOM_BYTES if source_format == DICOM else MAX_PICTURE_BYTES
    if len(data) > limit:
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


def _png(grey: np.ndarray) -> bytes:
    target = BytesIO()
    Image.fromarray(grey).save(target, "PNG", compress_level=PNG_EFFORT)
    return target.getvalue()


def _thumbnail(grey: np.ndarray) -> bytes:
    target, small = BytesIO(), Image.fromarray(grey)
    small.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE))
    small.save(target, "JPEG", quality=85)
    return target.getvalue()
