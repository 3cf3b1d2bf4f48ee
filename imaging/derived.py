"""Pictures drawn from a film's files: each once, kept whole or not at all, and drawn again where it is missing.

None of them is a row's own: they are found by the name of the canonical picture.
"""

from collections.abc import Callable
from typing import IO

from django.core.files.base import File
from django.core.files.storage import default_storage

from imaging.models import XRayImage

ENHANCED, DEEP = "enhanced", "deep"


def name_of(xray: XRayImage, kind: str) -> str:
    return str(xray.pixels.name).replace("pixels", kind, 1)


def opened(xray: XRayImage, kind: str, draw: Callable[[XRayImage], IO[bytes]]) -> File:
    """Return the picture as an open file. Where it is not there yet, `draw` returns it as a file to copy and close."""
    name = name_of(xray, kind)
    if not default_storage.exists(name):
        with draw(xray) as drawn:
            keep(xray, kind, drawn)
    return default_storage.open(name)


def keep(xray: XRayImage, kind: str, drawn: IO[bytes]) -> None:
    kept_as = default_storage.save(name_of(xray, kind), File(drawn))
    if kept_as != name_of(xray, kind):  # somebody else asked at the same moment
        default_storage.delete(kept_as)


def forget(xray: XRayImage) -> None:
    for kind in (ENHANCED, DEEP):
        default_storage.delete(name_of(xray, kind))
