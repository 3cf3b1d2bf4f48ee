"""What a coded picture says of itself. It may claim another size than the data set, and is decoded at its own."""

import struct
from dataclasses import dataclass

# Start of frame: every process of JPEG, and JPEG-LS. C4, C8 and CC among them are something else.
STARTS_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
START_OF_SCAN, END = 0xDA, 0xD9

RLE_HEADER = 64


@dataclass(frozen=True)
class Claim:
    width: int
    height: int
    bits: int
    components: int


def jpeg_claim(frame: bytes) -> Claim | None:
    """Return what a JPEG or JPEG-LS frame claims; None where it does not get as far as saying so."""
    at = 2
    while frame[:2] == b"\xff\xd8" and at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker in (START_OF_SCAN, END):
            return None
        if marker == 0xFF or marker in ALONE:
            at += 1 if marker == 0xFF else 2
        elif marker in STARTS_OF_FRAME:
            return _start_of_frame(frame[at + 4 : at + 10])
        else:
            at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    return None


def _start_of_frame(body: bytes) -> Claim | None:
    if len(body) < 6:
        return None
    bits, height, width, components = struct.unpack(">BHHB", body)
    return Claim(width, height, bits, components)


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
    at = length = 0
    end = len(segment)
    while at < end:
        head = segment[at]
        if head < 128:
            length, at = length + head + 1, at + head + 2
        else:
            length, at = length + (257 - head if head > 128 else 0), at + (2 if head > 128 else 1)
    return length
