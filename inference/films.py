"""Picture files as grey pixels, through the door that uploads come through. For commands: what a model is trained and
measured on is what it will be asked about."""

from pathlib import Path

import numpy as np


def read_as_uploaded(path: Path) -> np.ndarray:
    """Return uint8 H×W. Raises ValueError where the door refuses the file, OSError where it cannot be read."""
    from imaging import dicom, raster
    from imaging.decoded import Refused

    data = path.read_bytes()
    try:
        return (dicom.read(data) if dicom.is_dicom(data) else raster.read(data)).grey
    except Refused as refusal:
        raise ValueError(str(refusal)) from refusal
