"""Coded pictures without what may be written beside the picture in them: comments, what applications keep there, and
what lies between, behind and beyond that which is decoded."""

import re
import struct

from pydicom import uid

from imaging import jpeg
from imaging.dicom import headers
from imaging.dicom.coded import JPEG2000

# ITU-T T.81, B.1.1.3: a comment, and segments of applications, which is where cameras keep Exif.
DROPPED = {0xFE, *range(0xE0, 0xF0)}

# In coded data a byte of ones is followed by a zero bit (T.87, C.1), else it begins a marker.
JPEG_LS_MARKER = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")

# ITU-T T.800, A.2. Lengths of tile-parts (TLM) may be left out, and are others where something was taken out of them.
J2K_START, J2K_END, J2K_TILE, J2K_DATA = b"\xff\x4f\xff\x51", b"\xff\xd9", 0x90, 0x93
J2K_COMMENT, J2K_LENGTHS = 0x64, 0x55
TILE_HEADER = struct.Struct(">2sH2xI2x")  # marker, length of it, of the tile-part


class UnclearError(ValueError):
    """Its parts do not follow one another as the standard has it, so nobody can tell what lies between them."""


def without_remarks(frame: bytes, syntax: uid.UID, pixels: int) -> bytes:
    """Return the same picture, of so many pixels, in the same coding. Raises UnclearError."""
    if syntax in JPEG2000:
        # Without the boxes that some put around the codestream.
        return _jpeg2000(frame[max(frame.find(J2K_START), 0) :])
    return _run_length(frame, pixels) if syntax == uid.RLELossless else _jpeg(frame)


def _jpeg(frame: bytes) -> bytes:
    claim = jpeg.claim(frame)
    next_marker = JPEG_LS_MARKER if claim and claim.process == jpeg.JPEG_LS else jpeg.MARKER
    kept, at = [frame[:2]], 2
    while (marker := _marker(frame, at)) != jpeg.END:
        if marker == 0xFF:  # a byte that fills
            at += 1
            continue
        after = _end_of_segment(frame, at)
        if marker == jpeg.START_OF_SCAN:
            found = next_marker.search(frame, after)
            if not found:
                raise UnclearError
            after = found.start()
        if marker not in DROPPED:
            kept.append(frame[at:after])
        at = after
    return b"".join((*kept, frame[at : at + 2]))


def _jpeg2000(frame: bytes) -> bytes:
    header, at = _j2k_header(frame, 2, J2K_TILE)
    kept = [frame[:2], header]
    while frame[at : at + 2] != J2K_END:
        if _marker(frame, at) != J2K_TILE or at + TILE_HEADER.size > len(frame):
            raise UnclearError
        begins, size, length = TILE_HEADER.unpack_from(frame, at)
        end = at + length if length else len(frame) - 2  # the last one may go on to the end
        header, data = _j2k_header(frame, at + TILE_HEADER.size, J2K_DATA)
        if size != TILE_HEADER.size - 2 or not data <= end <= len(frame) - 2:
            raise UnclearError
        tile = frame[at + 4 : at + 6], frame[at + 10 : at + 12]
        length = TILE_HEADER.size + len(header) + end - data
        kept += [begins, struct.pack(">H", size), tile[0], struct.pack(">I", length), tile[1], header, frame[data:end]]
        at = end
    return b"".join((*kept, J2K_END))


def _j2k_header(frame: bytes, at: int, last: int) -> tuple[bytes, int]:
    """The segments from `at` to the marker `last`, without those that are left out; and where that stands."""
    kept = []
    while (marker := _marker(frame, at)) != last:
        after = _end_of_segment(frame, at)
        if marker not in (J2K_COMMENT, J2K_LENGTHS):
            kept.append(frame[at:after])
        at = after
    return b"".join(kept), at


def _marker(frame: bytes, at: int) -> int:
    if at + 2 > len(frame) or frame[at] != 0xFF:
        raise UnclearError
    return frame[at + 1]


def _end_of_segment(frame: bytes, at: int) -> int:
    if frame[at + 1] in jpeg.ALONE:
        return at + 2
    length = int.from_bytes(frame[at + 2 : at + 4])
    if length < 2 or at + 2 + length > len(frame):
        raise UnclearError
    return at + 2 + length


def _run_length(frame: bytes, pixels: int) -> bytes:
    """PS3.5 annex G: of each segment what makes so many bytes, and a header that says where they begin."""
    segments = headers.rle_segments(frame)
    if segments is None:
        raise UnclearError
    cut = [one[: headers.rle_end(one, pixels)] for one in segments]
    cut = [one + bytes(len(one) % 2) for one in cut]
    starts = [headers.RLE_HEADER + sum(map(len, cut[:number])) for number in range(len(cut))]
    return struct.pack("<16L", len(cut), *starts, *[0] * (15 - len(cut))) + b"".join(cut)
