"""What a JPEG or JPEG-LS picture says of itself (ITU-T T.81, T.87), without decoding it."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

# Start of frame: every process of JPEG, and JPEG-LS. C4, C8 and CC among them are something else.
STARTS_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
START_OF_SCAN, END = 0xDA, 0xD9
END_OF_IMAGE = bytes([0xFF, END])

# Baseline, extended and progressive, by Huffman codes; and extended and progressive by arithmetic ones.
LOSSY = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
LOSSY_BITS = 8
JPEG_LS = 0xF7

# What is coded in one go by Huffman codes, cut into blocks or row by row, and how the latter may tell samples.
IN_BLOCKS, ROW_BY_ROW = {0xC0, 0xC1}, {0xC3}
BLOCK = 8
LEFT = 1

# Behind the end some programs write zeros, to come out even or fill a block.
LONGEST_END = 1 << 16


@dataclass(frozen=True)
class Claim:
    """`process` is the marker that begins the frame. `rows_together` are coded as one, 0 where that is not known here,
    and `height_at` is where in the frame its height stands."""

    width: int
    height: int
    bits: int
    components: int
    process: int = 0
    rows_together: int = 0
    height_at: int = 0

    @property
    def coding(self) -> str:
        if self.process == JPEG_LS:
            return "JPEG-LS"
        return "JPEG" if self.process in LOSSY else "JPEG Lossless"


def claim(frame: bytes) -> Claim | None:
    """Return what a frame claims; None where it does not get as far as saying so."""
    for marker, at in _segments(frame):
        if marker in STARTS_OF_FRAME:
            return _start_of_frame(marker, frame, at)
    return None


def predictor(frame: bytes) -> int | None:
    """Return by which of its neighbours a lossless picture's samples are told (T.81, H.1.2.1)."""
    for marker, at in _segments(frame):
        if marker == START_OF_SCAN and at + 8 <= len(frame):
            return frame[at + 5 + 2 * frame[at + 4]] if at + 5 + 2 * frame[at + 4] < len(frame) else None
    return None


def taller(frame: bytes, claim: Claim, height: int) -> bytearray:
    """Return the frame as if its picture had so many rows."""
    changed = bytearray(frame)
    changed[claim.height_at : claim.height_at + 2] = height.to_bytes(2, "big")
    return changed


def is_whole(frame: bytes) -> bool:
    """Whether it ends as JPEG files end."""
    return frame[-LONGEST_END:].rstrip(b"\0\n\r ").endswith(END_OF_IMAGE)


def _segments(frame: bytes) -> Iterator[tuple[int, int]]:
    """Yield the marker of each segment up to the first scan, with that, and where it stands."""
    at = 2
    while frame[:2] == b"\xff\xd8" and at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF or marker in ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        yield marker, at
        if marker in (START_OF_SCAN, END):
            return
        at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")


def _start_of_frame(marker: int, frame: bytes, at: int) -> Claim | None:
    body = frame[at + 4 : at + 10]
    if len(body) < 6:
        return None
    bits, height, width, components = struct.unpack(">BHHB", body)
    return Claim(width, height, bits, components, marker, _rows_together(marker, frame, at, components), at + 5)


def _rows_together(marker: int, frame: bytes, at: int, components: int) -> int:
    """The rows of a block, of as many blocks as the component has that is sampled most often."""
    if marker in ROW_BY_ROW:
        return 1
    samplings = frame[at + 11 : at + 10 + 3 * components : 3]
    down = max((one & 0xF for one in samplings), default=0) if components > 1 else 1
    return BLOCK * down if marker in IN_BLOCKS else 0
