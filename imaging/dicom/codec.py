"""JPEG Lossless and JPEG-LS by the C libraries that know them: for a child only, whose crash or hang on a damaged file
is that file's refusal (see backoffice/files/).

libjpeg-turbo reads every kind of lossless JPEG, of 2 to 16 bits, row by row into the picture itself. gdcm took four
times the memory and twice the time for the same pixels, and died of one damaged frame in fifty.
"""

from contextlib import suppress

import numpy as np

JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")


def warm_up() -> None:
    """Load what is loaded when it is first used, as far as it is whole on this machine."""
    for decode_nothing in (decode_jpeg, decode_jpeg_ls):
        with suppress(ImportError, RuntimeError):
            decode_nothing(b"")


def decode(frame: bytes, syntax: str) -> np.ndarray:
    """Return the samples of one coded grey frame, of 8 or 16 bits. Raises whatever the library does."""
    return decode_jpeg_ls(frame) if syntax in JPEG_LS else decode_jpeg(frame)


def decode_jpeg(frame: bytes) -> np.ndarray:
    from imagecodecs import jpeg8_decode

    return jpeg8_decode(frame)


def decode_jpeg_ls(frame: bytes) -> np.ndarray:
    import jpeg_ls

    samples, about = jpeg_ls.decode_pixel_data(frame)
    return np.frombuffer(samples, "<u2" if about["bits_per_sample"] > 8 else "u1")
