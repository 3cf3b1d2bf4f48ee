"""The contrast-enhanced view: drawn when somebody first asks for it, and kept."""

import tempfile
from contextlib import closing
from typing import IO

from django.core.files.base import File

from backoffice.files import apart
from imaging import derived
from imaging.models import XRayImage

KIND = "picture"


def open_enhanced(xray: XRayImage) -> File:
    """Return the CLAHE view as an open PNG file. Raises apart.Undone, and what `derived.open_pixels` does."""
    return derived.opened(xray, derived.ENHANCED, _draw)


def _draw(xray: XRayImage) -> IO[bytes]:
    drawn = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 — the caller's to close
    with (
        derived.open_pixels(xray) as pixels,
        closing(apart.values("imaging.drawing:enhanced", pixels, kind=KIND, into=[drawn])) as answers,
    ):
        list(answers)
    return drawn
