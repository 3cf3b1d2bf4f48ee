"""Writes 16-bit grey PNG (ISO/IEC 15948) in a third of the time that Pillow takes, and smaller.

The noise of a detector has no words that repeat, so looking for them is in vain: each sample is told by how it differs
from its left neighbour, and only runs and frequencies are made use of.
"""

import struct
import zlib
from collections.abc import Mapping
from typing import IO

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BITS, GREY = 16, 0
SUB = 1
ROWS_AT_A_TIME = 256


def write(target: IO[bytes], values: np.ndarray, texts: Mapping[str, str]) -> None:
    """Write uint16 `values` of shape (height, width), and texts in ASCII under their keywords."""
    height, width = values.shape
    target.write(SIGNATURE + _chunk(b"IHDR", struct.pack(">2I5B", width, height, BITS, GREY, 0, 0, 0)))
    for keyword, text in texts.items():
        target.write(_chunk(b"tEXt", f"{keyword}\0{text}".encode("ascii")))
    compressor = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    for top in range(0, height, ROWS_AT_A_TIME):
        target.write(_chunk(b"IDAT", compressor.compress(_filtered(values[top : top + ROWS_AT_A_TIME]))))
    target.write(_chunk(b"IDAT", compressor.flush()) + _chunk(b"IEND", b""))


def _filtered(rows: np.ndarray) -> bytes:
    samples = rows.astype(">u2").view(np.uint8)
    lines = np.empty((rows.shape[0], 1 + samples.shape[1]), np.uint8)
    lines[:, 0] = SUB
    lines[:, 1:3] = samples[:, :2]
    np.subtract(samples[:, 2:], samples[:, :-2], out=lines[:, 3:])
    return lines.tobytes()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
