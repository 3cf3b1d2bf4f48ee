"""Writes grey PNG (ISO/IEC 15948) of 8 or 16 bits in a fifth to a third of the time that Pillow takes, and smaller.

The noise of a detector has no words that repeat, so looking for them is in vain: each sample is told by how it differs
from its left neighbour, and only frequencies are made use of. Runs, of what is black all over, would save a
two-hundredth of real films' bytes, and take half as long again.
"""

import struct
import zlib
from collections.abc import Mapping
from typing import IO

import numpy as np
from zlib_ng import zlib_ng as quick_zlib  # writes the same format in half of zlib's time

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY = 0
SUB = 1
ROWS_AT_A_TIME = 256


def write(target: IO[bytes], values: np.ndarray, texts: Mapping[str, str] | None = None) -> None:
    """Write uint8 or uint16 `values` of shape (height, width), and texts in ASCII under their keywords."""
    height, width = values.shape
    bits = 8 * values.itemsize
    target.write(SIGNATURE + _chunk(b"IHDR", struct.pack(">2I5B", width, height, bits, GREY, 0, 0, 0)))
    for keyword, text in (texts or {}).items():
        target.write(_chunk(b"tEXt", f"{keyword}\0{text}".encode("ascii")))
    compressor = quick_zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_HUFFMAN_ONLY)
    lines = np.empty((min(height, ROWS_AT_A_TIME), 1 + width * values.itemsize), np.uint8)
    for top in range(0, height, ROWS_AT_A_TIME):
        rows = values[top : top + ROWS_AT_A_TIME]
        target.write(_chunk(b"IDAT", compressor.compress(_filtered(rows, lines[: len(rows)]))))
    target.write(_chunk(b"IDAT", compressor.flush()) + _chunk(b"IEND", b""))


def _filtered(rows: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Return `lines`, filled: each with its filter, and then its bytes."""
    size = rows.itemsize
    samples = np.ascontiguousarray(rows, f">u{size}").view(np.uint8)
    lines[:, 0] = SUB
    lines[:, 1 : 1 + size] = samples[:, :size]
    np.subtract(samples[:, size:], samples[:, :-size], out=lines[:, 1 + size :])
    return lines


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = quick_zlib.crc32(body, quick_zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(body)), kind, body, struct.pack(">I", checksum)))
