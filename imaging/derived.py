"""Pictures drawn from a film's original: each once, kept whole or not at all, and drawn again where it is missing.

Canonical picture and thumbnail are the row's own, and drawn when the film comes in. The others are found by the name of
the canonical picture.
"""

from collections.abc import Callable
from io import BytesIO
from typing import IO, cast

from django.core.files.base import File
from django.core.files.storage import default_storage

from imaging import ingest
from imaging.models import XRayImage

PIXELS, ENHANCED, DEEP = "pixels", "enhanced", "deep"
BESIDE_PIXELS = (ENHANCED, DEEP)


def name_of(xray: XRayImage, kind: str) -> str:
    return str(xray.pixels.name).replace(PIXELS, kind, 1)


def open_original(xray: XRayImage) -> File:
    """Return the file as it came. Raises FileNotFoundError."""
    return default_storage.open(str(xray.original.name))


def open_pixels(xray: XRayImage) -> File:
    """Return the canonical picture as an open file. Raises Refused where it is missing and the original is not read any
    more, FileNotFoundError where that is missing too."""
    return _opened(str(xray.pixels.name), lambda: read_original(xray).pixels)


def open_thumbnail(xray: XRayImage) -> File:
    """The same of the thumbnail."""
    return _opened(str(xray.thumbnail.name), lambda: BytesIO(read_original(xray).thumbnail))


def open_deep(xray: XRayImage) -> File:
    """The same of the picture of all bits, a 16-bit grey PNG of a film that has more than 8, for whoever looks through
    another window. Films that are older than it get it when somebody first asks."""
    return opened(
        xray, DEEP, lambda film: cast(IO[bytes], read_original(film).deep)
    )  # there for every film of more bits


def opened(xray: XRayImage, kind: str, draw: Callable[[XRayImage], IO[bytes]]) -> File:
    """Return the picture as an open file. Where it is not there yet, `draw` returns it as a file to copy and close."""
    return _opened(name_of(xray, kind), lambda: draw(xray))


def _opened(name: str, draw: Callable[[], IO[bytes]]) -> File:
    try:
        return default_storage.open(name)
    except FileNotFoundError:
        with draw() as drawn:
            _keep(name, drawn)
        return default_storage.open(name)


def read_original(xray: XRayImage) -> ingest.Picture:
    """Read a kept film anew. Raises Refused, and FileNotFoundError."""
    with open_original(xray) as original:
        return ingest.read(original, f"film{ingest.SUFFIXES[xray.source_format][0]}")


def keep(xray: XRayImage, kind: str, drawn: IO[bytes]) -> None:
    _keep(name_of(xray, kind), drawn)


def _keep(name: str, drawn: IO[bytes]) -> None:
    kept_as = default_storage.save(name, File(drawn))
    if kept_as != name:  # somebody else asked at the same moment
        default_storage.delete(kept_as)


def forget(xray: XRayImage) -> None:
    for kind in BESIDE_PIXELS:
        default_storage.delete(name_of(xray, kind))
