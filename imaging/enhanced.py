"""The contrast-enhanced view: drawn when somebody first asks for it, and kept."""

import tempfile
from contextlib import closing

from django.core.files.base import File
from django.core.files.storage import default_storage

from backoffice.files import apart
from imaging.models import XRayImage

KIND = "picture"


def open_enhanced(xray: XRayImage) -> File:
    """Return the CLAHE view of an X-ray as an open PNG file. Raises apart.Undone."""
    name = str(xray.pixels.name).replace("pixels", "enhanced", 1)
    if not default_storage.exists(name):
        with tempfile.TemporaryFile(buffering=0) as drawn, xray.pixels.open() as pixels:
            with closing(apart.values("imaging.drawing:enhanced", pixels, kind=KIND, into=[drawn])) as answers:
                list(answers)
            kept_as = default_storage.save(name, File(drawn))
        if kept_as != name:  # somebody else asked at the same moment
            default_storage.delete(kept_as)
    return default_storage.open(name)
