"""The contrast-enhanced view: rendered when somebody first asks for it, and kept."""

from io import BytesIO

import numpy as np
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from PIL import Image

from imaging.models import XRayImage


def open_enhanced(xray: XRayImage) -> File:
    """Return the CLAHE view of an X-ray as an open PNG file."""
    name = str(xray.pixels.name).replace("pixels", "enhanced", 1)
    if not default_storage.exists(name):
        kept_as = default_storage.save(name, ContentFile(_render(xray)))
        if kept_as != name:  # somebody else asked at the same moment
            default_storage.delete(kept_as)
    return default_storage.open(name)


def _render(xray: XRayImage) -> bytes:
    # OpenCV stays out of the web process until somebody needs it.
    from imaging.pixels import enhance

    with xray.pixels.open() as source, Image.open(source, formats=["PNG"]) as picture:
        enhanced = enhance(np.asarray(picture))
    target = BytesIO()
    Image.fromarray(enhanced).save(target, "PNG", compress_level=3)
    return target.getvalue()
