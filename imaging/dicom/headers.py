"""What a coded picture says of itself. It may claim another size than the data set, and is decoded at its own.
For JPEG see imaging/jpeg.py."""

import struct

from imaging.jpeg import Claim

RLE_HEADER = 64

# A codestream, and the box around one (ITU-T T.800, A.4 and I.5.1).
JPEG2000 = b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "


def is_jpeg2000(frame: bytes) -> bool:
    return frame.startswith(JPEG2000)


def jpeg2000_claim(frame: bytes) -> Claim | None:
    """Return what the SIZ segment of a JPEG 2000 codestream claims, bare or in a JP2 box."""
    at = frame.find(b"\xff\x4f\xff\x51")
    body = frame[at + 8 : at + 43] if at >= 0 else b""
    if len(body) < 35:
        return None
    right, bottom, left, top, _x, _y, _left, _top, components, bits = struct.unpack(">8IHB", body)
    return Claim(right - left, bottom - top, (bits & 0x7F) + 1, components)


def rle_segments(frame: bytes) -> list[bytes] | None:
    """Return the segments of an RLE frame (PS3.5 G.5); None where its header is none."""
    if len(frame) < RLE_HEADER:
        return None
    count, *offsets = struct.unpack("<16L", frame[:RLE_HEADER])
    ends = [*offsets[1:count], len(frame)]
    if not 1 <= count <= 15 or any(not RLE_HEADER <= a <= b for a, b in zip(offsets, ends, strict=False)):
        return None
    return [frame[a:b] for a, b in zip(offsets[:count], ends, strict=True)]


def rle_length(segment: bytes) -> int:
    """Return how many bytes a segment unpacks to, without unpacking it."""
    return _walked(segment, None)[0]


def rle_end(segment: bytes, length: int) -> int:
    """Return where what unpacks to `length` bytes ends in a segment."""
    return _walked(segment, length)[1]


def _walked(segment: bytes, enough: int | None) -> tuple[int, int]:
    at = length = 0
    end = len(segment)
    while at < end and (enough is None or length < enough):
        head = segment[at]
        if head < 128:
            length, at = length + head + 1, at + head + 2
        else:
            length, at = length + (257 - head if head > 128 else 0), at + (2 if head > 128 else 1)
    return length, at
