"""The picture of all bits: a 16-bit grey PNG of a film that has more than 8, for whoever looks through another window.

It is written when the film comes in. Films that were here before, and those whose picture was lost, get it from the
original when somebody first asks.
"""

from typing import IO, cast

from django.core.files.base import File

from imaging import derived, ingest
from imaging.models import XRayImage


def open_deep(xray: XRayImage) -> File:
    """Return the picture as an open PNG file. Raises Refused where the original is not read any more."""
    return derived.opened(xray, derived.DEEP, _draw)


def _draw(xray: XRayImage) -> IO[bytes]:
    with xray.original.open("rb") as original:
        picture = ingest.read(original, f"film{ingest.SUFFIXES[xray.source_format][0]}")
    return cast(IO[bytes], picture.deep)  # there for every film of more than 8 bits
