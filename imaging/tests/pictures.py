"""Small pictures that tests make for themselves."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image


def gradient(width: int = 300, height: int = 240) -> np.ndarray:
    """A grey ramp, dark at the left and bright at the bottom right: every turn of it can be told."""
    x, y = np.meshgrid(np.linspace(0, 200, width), np.linspace(0, 55, height))
    return (x + y).astype(np.uint8)


def encoded(picture: np.ndarray | Image.Image, kind: str = "PNG", **options) -> bytes:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    target = BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def png(seed: int = 0) -> bytes:
    """A PNG whose bytes differ for each seed."""
    picture = gradient()
    picture[0, 0] = seed
    return encoded(picture)


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises `width` x `height` grey pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, body) for kind, body in [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
