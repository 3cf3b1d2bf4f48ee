"""PNG files (ISO/IEC 15948) of 16 bits in colour or with transparency: all the bits, of which Pillow keeps the upper
eight. A 12-bit film saved so would be nearly black."""

import struct
from collections.abc import Iterator

import numpy as np
from PIL import Image

from imaging.png import SIGNATURE

BIT_DEPTH, COLOUR_TYPE, INTERLACE = 8, 9, 12  # where they stand in the header chunk
COLOUR, GREY_AND_OPACITY, COLOUR_AND_OPACITY = 2, 4, 6

# How Pillow is told to take the lower bytes; grey and its opacity are four bytes, taken as if of four channels.
LOWER = {COLOUR: ("RGB", "RGB;16L"), GREY_AND_OPACITY: ("RGBA", "RGBA"), COLOUR_AND_OPACITY: ("RGBA", "RGBA;16L")}

# ITU-R 601-2, as in Pillow's own conversion; they add up to 1 << 16, so that grey stays what it was.
LUMA = (19595, 38470, 7471)
OPAQUE = (1 << 16) - 1
ROWS_AT_A_TIME = 256


def is_png(data: bytes) -> bool:
    return data.startswith(SIGNATURE)


def is_wide(data: bytes) -> bool:
    """Whether it is of this kind; of a file that Pillow has loaded."""
    return is_png(data) and _header(data)[BIT_DEPTH] == 16 and _header(data)[COLOUR_TYPE] in LOWER


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and body of each whole chunk; nothing where it is no PNG."""
    at = len(SIGNATURE)
    while is_png(data) and at + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if at + 12 + length > len(data):
            return
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def grey(picture: Image.Image, data: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the uint16 grey values of `data`, which Pillow has loaded as `picture`, and where it is wholly transparent
    (None where that is nowhere, or everywhere); on black where it is so in part. Raises ValueError and OSError."""
    upper, lower = _bytes(picture, data)
    values = np.empty(upper.shape[:2], np.uint16)
    transparent = np.zeros(upper.shape[:2], bool)
    for top in range(0, len(values), ROWS_AT_A_TIME):
        rows = slice(top, top + ROWS_AT_A_TIME)
        samples = upper[rows].astype(np.uint16) << 8 | lower[rows]
        values[rows] = _luma(samples) if samples.shape[2] > 2 else samples[..., 0]
        if _header(data)[COLOUR_TYPE] != COLOUR:
            opacity = samples[..., -1]
            transparent[rows] = opacity == 0
            values[rows] = (values[rows].astype(np.uint32) * opacity + OPAQUE // 2) // OPAQUE
    return values, transparent if transparent.any() and not transparent.all() else None


def _bytes(picture: Image.Image, data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the upper and the lower byte of each sample, shape (height, width, channels)."""
    header = _header(data)
    mode, order = LOWER[header[COLOUR_TYPE]]
    packed = b"".join(body for kind, body in chunks(data) if kind == b"IDAT")
    read = np.asarray(Image.frombytes(mode, picture.size, packed, "zip", order, header[INTERLACE]))
    if header[COLOUR_TYPE] == GREY_AND_OPACITY:
        return read[..., ::2], read[..., 1::2]
    return np.asarray(picture), read


def _header(data: bytes) -> bytes:
    return next(chunks(data))[1]


def _luma(samples: np.ndarray) -> np.ndarray:
    """Of uint16 red, green and blue."""
    red, green, blue = (samples[..., channel].astype(np.uint32) * LUMA[channel] for channel in range(3))
    return (red + green + blue + (1 << 15)) >> 16
