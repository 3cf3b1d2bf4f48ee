"""The door: a file → a checked picture, or a sentence that says why not. No database here.

A hostile file is decoded once, in a child of little memory and time (`reading` is what it does there). Everything after
it — viewer, enhanced view, models — sees only the canonical picture made there: an 8-bit grey PNG, upright, without
metadata.
"""

import os
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO
from typing import IO, Any

from django.core.files.base import File
from django.utils.translation import gettext as _

from backoffice.files import apart
from backoffice.files.apart import Undone, Why
from imaging.decoded import Facts, Named, Refused
from imaging.quality import QualityIssue
from imaging.reading import ACCEPTED, MAX_DICOM_BYTES, SUFFIXES

__all__ = ["ACCEPTED", "SUFFIXES", "Busy", "Picture", "Refused", "read"]

KIND = "picture"
LARGEST_THUMBNAIL = 1 << 20


class Busy(Refused):
    """Nothing is wrong with the file: too many are being read, and it may be sent again in a moment."""


@dataclass(frozen=True)
class Picture:
    """A picture that may be kept.

    `sha256` is that of the file as it came; `width` and `height` are those of `pixels`, the canonical picture as a PNG
    file that is gone when it is closed; so is `deep`, the picture of all bits (see `derived.py`), None where 8 are all.
    `bit_depth` is that of the source. `thumbnail` is a grey JPEG of at most `reading.THUMBNAIL_EDGE` pixels a side.
    `spacing_from` is an `XRayImage.SpacingFrom`; `pixel_spacing` is in mm. `view`, `taken_on`, `named`, `facts` and the
    spacing come from DICOM, else are empty.
    """

    sha256: str
    source_format: str
    width: int
    height: int
    bit_depth: int
    pixels: IO[bytes] = field(compare=False, repr=False)
    deep: IO[bytes] | None = field(compare=False, repr=False)
    thumbnail: bytes
    quality_issues: list[QualityIssue]
    pixel_spacing: float | None = None
    spacing_from: str = ""
    body_part: str = ""
    patient_age: int | None = None
    view: str = ""
    taken_on: date | None = None
    named: Named = field(default_factory=Named)
    facts: Facts = field(default_factory=Facts)

    def close(self) -> None:
        """Give its pictures back, of which nobody wants to keep any."""
        for file in (self.pixels, self.deep):
            if file:
                file.close()

    @property
    def patient_name(self) -> str:
        return self.named.full_name

    @property
    def pixels_png(self) -> bytes:
        return _whole(self.pixels)


def read(source: bytes | IO[bytes], name: str) -> Picture:
    """Check the file `source`, called `name` by whoever sent it, and return its picture.

    Raises Refused, with a sentence for the user, where the file is too large, of another kind than it may be or
    claims to be, damaged, or not one greyscale still, and where reading it costs more than a file may.
    """
    # The picture's, to be closed with it.
    pixels, deep = (tempfile.TemporaryFile(buffering=0) for _file in range(2))  # noqa: SIM115
    with tempfile.TemporaryFile(buffering=0) as thumbnail:
        try:
            said = _said("picture", source, into=[pixels, thumbnail, deep], name=name)
            return Picture(
                **said
                | {
                    "named": _named(said["named"]),
                    "facts": _facts(said["facts"]),
                    "taken_on": _day(said["taken_on"]),
                    "quality_issues": [QualityIssue(issue) for issue in said["quality_issues"]],
                },
                pixels=pixels,
                deep=deep if _size(deep) else None,
                thumbnail=_whole(thumbnail, LARGEST_THUMBNAIL),
            )
        except BaseException:
            pixels.close()
            deep.close()
            raise


@dataclass(frozen=True)
class Said:
    """What a file says beside its picture; see Picture."""

    named: Named
    facts: Facts
    body_part: str
    patient_age: int | None
    view: str
    pixel_spacing: float | None
    spacing_from: str


def said(source: File, width: int) -> Said:
    """Return what a kept file says beside its picture, `width` pixels wide, which is not decoded. Raises Refused."""
    with source.open("rb") as file:
        answer = _said("said", file, width=width)
    return Said(**answer | {"named": _named(answer["named"]), "facts": _facts(answer["facts"])})


def _said(what: str, source: bytes | IO[bytes], into: Sequence[IO[bytes]] = (), **arguments: Any) -> dict:
    file = BytesIO(source) if isinstance(source, bytes) else source
    task = f"imaging.reading:{what}"
    try:
        with closing(apart.values(task, file, kind=KIND, into=into, most=MAX_DICOM_BYTES + 1, **arguments)) as answers:
            (said,) = answers
    except Undone as undone:
        if undone.why == Why.BUSY:
            raise Busy(str(undone)) from undone
        raise Refused(_in_vain(undone) if undone.is_the_files_own else str(undone)) from undone
    if refusal := said.get("refused"):
        raise Refused(refusal)
    return said


def _in_vain(undone: Undone) -> str:
    return _("%(problem)s Export it again from where it came, smaller or uncompressed.") % {"problem": undone}


def _named(said: dict) -> Named:
    days = {name: _day(said[name]) for name in ("date_of_birth", "taken_on")}
    return Named(**said | days | {"readings": tuple(said["readings"])})


def _facts(said: dict) -> Facts:
    at = said["taken_at"]
    return Facts(**said | {"taken_at": datetime.fromisoformat(at) if at else None})


def _day(said: str | None) -> date | None:
    return date.fromisoformat(said) if said else None


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size


def _whole(file: IO[bytes], most: int | None = None) -> bytes:
    return os.pread(file.fileno(), _size(file) if most is None else min(_size(file), most), 0)
