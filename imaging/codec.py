"""JPEG and JPEG-LS by the C libraries that know them: for a child only, whose crash or hang on a damaged file is that
file's refusal (see backoffice/files/).

libjpeg-turbo reads every kind of lossless JPEG, of 2 to 16 bits, and grey JPEG row by row into the picture itself. gdcm
took four times the memory and twice the time for the same pixels, and died of one damaged frame in fifty; Pillow copies
a grey picture three times.
"""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from imaging import jpeg, seams

JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")

MOST_ROWS = 65_500  # that libjpeg reads

# Of bits that fill up the last byte, and of zeros after them, one unit comes; where coefficients are told bit by bit,
# one of each of the bits.
LAST_UNITS, LAST_DIFFERENCES = 7, 16

MORE_DATA = bytes(range(0xFF))  # and no marker


@dataclass(frozen=True)
class Coded:
    """`samples` of 8 or 16 bits, and what is known of their data: whether these `end_early`, so that a decoder has to
    fill up, or `do_not_fit`, as they go on when all samples are read, or are cut otherwise than they say. One is so of
    most that are damaged within, and of others the samples alone show that they are `probably_shifted`."""

    samples: np.ndarray
    end_early: bool = False
    do_not_fit: bool = False
    probably_shifted: bool = False


def warm_up() -> None:
    """Load what is loaded when it is first used, as far as it is whole on this machine."""
    for decode_nothing in (decode_jpeg, decode_jpeg_ls):
        with suppress(ImportError, RuntimeError):
            decode_nothing(b"")


def decode(frame: bytes, syntax: str) -> Coded:
    """Decode one grey frame of a DICOM file. Raises whatever the library does."""
    return decode_jpeg_ls(frame) if syntax in JPEG_LS else decode_jpeg(frame)


def decode_jpeg(frame: bytes) -> Coded:
    """Decode a JPEG in grey, also one in colour.

    libjpeg says nothing of data that do not fit, but it is asked for some rows more than there are: of a whole frame no
    data are left for these, and it fills them with middle grey.
    """
    claim = jpeg.claim(frame)
    if claim is None or not tells_its_length(frame):
        return Coded(_in_grey(frame))
    rows = claim.together[1]
    coded_rows = -(-claim.height // rows) * rows
    samples = _in_grey(jpeg.taller(frame, claim, coded_rows + 2 * rows))
    samples, beyond = samples[: claim.height], samples[coded_rows:]
    if not jpeg.tells_everything(frame, claim):
        return Coded(samples, end_early=True)
    if not jpeg.restarts_as_said(frame, claim) or _holds_samples(beyond, frame, claim):
        return Coded(samples, do_not_fit=True)
    is_told_to_the_end = jpeg.is_told_at_once(frame) and (beyond != claim.middle).any()
    return Coded(
        samples,
        end_early=not is_told_to_the_end and _needs_more(frame, samples),
        probably_shifted=claim.coding == "JPEG" and seams.has_one(samples, *claim.together),
    )


def tells_its_length(frame: bytes) -> bool:
    """Whether `decode_jpeg` finds out whether its data are as long as it is."""
    claim = jpeg.claim(frame)
    return claim is not None and 0 < 4 * claim.together[1] <= MOST_ROWS - claim.height


def _in_grey(frame: bytes | bytearray) -> np.ndarray:
    from imagecodecs import jpeg8_decode

    return jpeg8_decode(frame, outcolorspace="GRAYSCALE")


def _needs_more(frame: bytes, samples: np.ndarray) -> bool:
    """Whether other samples come of it when more data follow: a film may end in middle grey itself."""
    return bool((_in_grey(jpeg.with_more(frame, MORE_DATA)) != samples).any())


def _holds_samples(beyond: np.ndarray, frame: bytes, claim: jpeg.Claim) -> bool:
    """Whether rows beyond the picture were made of more than the zeros that follow the last of the data."""
    first, second = np.vsplit(beyond, 2)
    last = claim.together[0] * (LAST_UNITS if claim.process in jpeg.PROGRESSIVE else 1)
    if claim.width < last:
        return False
    if (second != claim.middle).any():
        return True
    if claim.coding == "JPEG":
        return bool((first[:, last:] != claim.middle).any())
    # Of zeros come like differences, here from the left neighbour.
    steps = np.diff(first[0])[LAST_DIFFERENCES:]
    return jpeg.predictor(frame) == jpeg.LEFT and bool((steps[1:] != steps[:-1]).any())


def decode_jpeg_ls(frame: bytes) -> Coded:
    import jpeg_ls

    samples, about = jpeg_ls.decode_pixel_data(frame)
    return Coded(np.frombuffer(samples, "<u2" if about["bits_per_sample"] > 8 else "u1"))
