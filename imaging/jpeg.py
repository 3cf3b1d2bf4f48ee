"""What a JPEG or JPEG-LS picture says of itself (ITU-T T.81, T.87), without decoding it."""

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

# Start of frame: every process of JPEG, and JPEG-LS. C4, C8 and CC among them are something else.
STARTS_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
START_OF_SCAN, END, INTERVAL = 0xDA, 0xD9, 0xDD
END_OF_IMAGE = bytes([0xFF, END])

# In coded data a byte of ones is followed by a zero (T.81, B.1.1.5), else it begins a marker. Those that restart the
# decoder belong to the data.
MARKER, RESTART = re.compile(rb"\xff[^\0\xd0-\xd7\xff]"), re.compile(rb"\xff[\xd0-\xd7]")

# Baseline, extended and progressive, by Huffman codes; and extended and progressive by arithmetic ones.
LOSSY = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
LOSSY_BITS = 8
JPEG_LS = 0xF7

# What is coded by Huffman codes, cut into blocks or row by row, and how the latter may tell samples; and what is told
# by scans of some coefficients each, or of one bit more of them.
IN_BLOCKS, ROW_BY_ROW, PROGRESSIVE = {0xC0, 0xC1, 0xC2}, {0xC3}, {0xC2, 0xCA}
COEFFICIENTS = 64
BLOCK = 8
LEFT = 1

# Behind the end some programs write zeros, to come out even or fill a block.
LONGEST_END = 1 << 16


@dataclass(frozen=True)
class Claim:
    """`process` is the marker that begins the frame, `height_at` is where in it the height stands, and `sampled` how
    often each component is, across and down."""

    width: int
    height: int
    bits: int
    components: int
    process: int = 0
    height_at: int = 0
    sampled: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def most_sampled(self) -> list[int]:
        return [max((often[way] for often in self.sampled.values()), default=0) or 1 for way in (0, 1)]

    @property
    def together(self) -> list[int]:
        """The columns and rows that are coded as one: a sample, or a block, of as many as lie together; none where
        that is not known here."""
        if self.process in ROW_BY_ROW:
            return [1, 1]
        if self.process not in IN_BLOCKS:
            return [0, 0]
        return [BLOCK * often for often in self.most_sampled] if self.components > 1 else [BLOCK, BLOCK]

    @property
    def middle(self) -> int:
        return 1 << (self.bits - 1)

    @property
    def coding(self) -> str:
        if self.process == JPEG_LS:
            return "JPEG-LS"
        return "JPEG" if self.process in LOSSY else "JPEG Lossless"


@dataclass(frozen=True)
class Scan:
    """It tells `coefficients` of `components`, of which as many bits were `missing` (0 where all were), and as many are
    `still_missing` after it. Its data lie from `start` to `end`, with a restart after each `interval` of units."""

    components: set[int]
    coefficients: range
    missing: int
    still_missing: int
    interval: int
    start: int
    end: int


def claim(frame: bytes) -> Claim | None:
    """Return what a frame claims; None where it does not get as far as saying so."""
    for marker, at in _segments(frame):
        if marker in STARTS_OF_FRAME:
            return _start_of_frame(marker, frame, at)
    return None


def scans(frame: bytes) -> Iterator[Scan]:
    """Yield what its data are told in, as far as its segments can be followed."""
    interval = 0
    for marker, at in _segments(frame):
        start = at + 2 + int.from_bytes(frame[at + 2 : at + 4])
        body = frame[at + 4 : start]
        if marker == INTERVAL:
            interval = int.from_bytes(body)
        elif marker == START_OF_SCAN and body and len(body) == 4 + 2 * body[0]:
            first, last, bits = body[-3:]
            components, coefficients = set(body[1:-3:2]), range(first, last + 1)
            yield Scan(components, coefficients, bits >> 4, bits & 0xF, interval, start, _end_of_data(frame, start))


def tells_everything(frame: bytes, claim: Claim) -> bool:
    """Whether its scans, one after another, tell each component to the last bit, and nothing twice (T.81, G.1.1.1).

    Those of a frame whose segments cannot be followed are not known, and said to.
    """
    in_parts = claim.process in PROGRESSIVE
    missing: dict[tuple[int, int], int] = {}
    for scan in scans(frame):
        for one in product(scan.components, scan.coefficients if in_parts else [0]):
            if scan.missing != missing.get(one, 0) or missing.get(one) == 0:
                return False
            missing[one] = scan.still_missing if in_parts else 0
    expected = len(claim.sampled) * (COEFFICIENTS if in_parts else 1)
    return not missing or (len(missing) == expected and not any(missing.values()))


def restarts_as_said(frame: bytes, claim: Claim) -> bool:
    """Whether its data are cut by as many restarts as they say, each with its number (T.81, F.1.2.3)."""
    for scan in scans(frame):
        numbers = [frame[found.start() + 1] & 7 for found in RESTART.finditer(frame, scan.start, scan.end)]
        restarts = -(-_units(scan, claim) // scan.interval) - 1 if scan.interval else 0
        if numbers != [number & 7 for number in range(restarts)]:
            return False
    return True


def is_told_at_once(frame: bytes) -> bool:
    """Whether its data are in one piece, without restarts."""
    return [scan.interval for scan in scans(frame)] == [0]


def with_more(frame: bytes, data: bytes) -> bytes:
    """Return the frame with these data where its own end, before each restart too."""
    kept, at = [], 0
    for scan in scans(frame):
        restarts = [found.start() for found in RESTART.finditer(frame, scan.start, scan.end)] if scan.interval else []
        for end in (*restarts, scan.end):
            kept += [frame[at:end], data]
            at = end
    return b"".join((*kept, frame[at:]))


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
    """Yield the marker of each segment, and where it stands."""
    at = 2
    while frame[:2] == b"\xff\xd8" and at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF or marker in ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        yield marker, at
        if marker == END:
            return
        at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker == START_OF_SCAN:
            at = _end_of_data(frame, at)


def _end_of_data(frame: bytes, start: int) -> int:
    marker = MARKER.search(frame, start)
    return marker.start() if marker else len(frame)


def _units(scan: Scan, claim: Claim) -> int:
    """How many its data tell one after another: of a component that is alone its blocks or samples, else as many of
    each as lie together."""
    edge, often = 1 if claim.process in ROW_BY_ROW else BLOCK, (1, 1)
    if len(scan.components) == 1:
        often = claim.sampled.get(min(scan.components), often)
    lengths = zip((claim.width, claim.height), often, claim.most_sampled, strict=True)
    return math.prod(-(-length * times // (edge * most)) for length, times, most in lengths)


def _start_of_frame(marker: int, frame: bytes, at: int) -> Claim | None:
    body = frame[at + 4 : at + 10]
    if len(body) < 6:
        return None
    bits, height, width, components = struct.unpack(">BHHB", body)
    each = frame[at + 10 : at + 10 + 3 * components]
    sampled = {component: (often >> 4, often & 0xF) for component, often in zip(each[::3], each[1::3], strict=False)}
    return Claim(width, height, bits, components, marker, at + 5, sampled)
