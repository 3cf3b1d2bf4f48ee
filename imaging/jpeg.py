"""What a JPEG or JPEG-LS picture says of itself (ITU-T T.81, T.87), without decoding it."""

import struct
from dataclasses import dataclass

# Start of frame: every process of JPEG, and JPEG-LS. C4, C8 and CC among them are something else.
STARTS_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
START_OF_SCAN, END = 0xDA, 0xD9

# Baseline, extended and progressive, by Huffman codes; and extended and progressive by arithmetic ones.
LOSSY = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
LOSSY_BITS = 8
JPEG_LS = 0xF7

# Behind the end some programs write zeros, to come out even or fill a block.
LONGEST_END = 1 << 16


@dataclass(frozen=True)
class Claim:
    """`process` is the marker that begins the frame."""

    width: int
    height: int
    bits: int
    components: int
    process: int = 0

    @property
    def coding(self) -> str:
        if self.process == JPEG_LS:
            return "JPEG-LS"
        return "JPEG" if self.process in LOSSY else "JPEG Lossless"


def claim(frame: bytes) -> Claim | None:
    """Return what a frame claims; None where it does not get as far as saying so."""
    at = 2
    while frame[:2] == b"\xff\xd8" and at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker in (START_OF_SCAN, END):
            return None
        if marker == 0xFF or marker in ALONE:
            at += 1 if marker == 0xFF else 2
        elif marker in STARTS_OF_FRAME:
            return _start_of_frame(marker, frame[at + 4 : at + 10])
        else:
            at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    return None


def is_whole(frame: bytes) -> bool:
    """Whether it ends as JPEG files end."""
    return frame[-LONGEST_END:].rstrip(b"\0\n\r ").endswith(bytes([0xFF, END]))


def _start_of_frame(marker: int, body: bytes) -> Claim | None:
    if len(body) < 6:
        return None
    bits, height, width, components = struct.unpack(">BHHB", body)
    return Claim(width, height, bits, components, marker)
