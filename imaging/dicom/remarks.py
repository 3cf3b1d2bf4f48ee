"""Coded pictures without what may be written beside the picture in them: comments, and what applications keep there."""

from pydicom import uid

from imaging.dicom.coded import JPEG2000

# ITU-T T.81, B.1.1.3: a comment, and segments of applications, which is where cameras keep Exif.
COMMENT, APPLICATIONS, START_OF_SCAN = 0xFE, range(0xE0, 0xF0), 0xDA
# ITU-T T.800, A.2.
J2K_START, J2K_COMMENT, J2K_START_OF_TILE = b"\xff\x4f\xff\x51", 0x64, 0x90
END = b"\xff\xd9"

ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length


def without_remarks(frame: bytes, syntax: uid.UID) -> bytes:
    """Return the same picture, in the same coding."""
    if syntax in JPEG2000:
        # Without the boxes that some put around the codestream.
        return _kept(frame[max(frame.find(J2K_START), 0) :], {J2K_COMMENT}, J2K_START_OF_TILE)
    if syntax == uid.RLELossless:
        return frame
    return _kept(frame, {COMMENT, *APPLICATIONS}, START_OF_SCAN)


def _kept(frame: bytes, dropped: set[int], last: int) -> bytes:
    """The header of `frame` without the segments `dropped`, up to the marker `last`, and the rest up to its end."""
    kept, at = [frame[:2]], 2
    while at + 4 <= len(frame) and frame[at] == 0xFF and frame[at + 1] != last:
        marker = frame[at + 1]
        if marker == 0xFF:  # a byte that fills
            at += 1
            continue
        after = at + 2 if marker in ALONE else at + 2 + int.from_bytes(frame[at + 2 : at + 4])
        if marker not in dropped:
            kept.append(frame[at:after])
        at = after
    end = frame.rfind(END)
    return b"".join(kept) + (frame[at : end + 2] if end >= at else frame[at:])
