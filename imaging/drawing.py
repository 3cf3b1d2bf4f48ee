"""What a child does to draw the enhanced view (see `enhanced`, which asks): OpenCV stays out of the web process, and so
do a film's pixels, several times over."""

from collections.abc import Iterator
from typing import IO

import cv2
import numpy as np
from PIL import Image

from imaging import png
from imaging.pixels import enhance


def enhanced(source: IO[bytes], target: IO[bytes]) -> Iterator[str]:
    """Write the CLAHE view of the canonical picture `source` as PNG, and say so."""
    cv2.setNumThreads(1)  # a child may start none
    with Image.open(source, formats=["PNG"]) as picture:
        drawn = enhance(np.asarray(picture))
    png.write(target, drawn)
    yield "drawn"
