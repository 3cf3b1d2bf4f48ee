"""Run as a program: files that were good once, damaged at random, through every decoder of the door.

    python -m imaging.tests.fuzz 100000

Each is read as the door's own child would, in one that goes on with the next: a refusal and too little memory are
answers, and so are the death and the hang of a C library, which cost that child alone. Any other exception is a find.
"""

import argparse
import io
import json
import mmap
import os
import random
import re
import resource
import signal
import struct
import sys
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

# How many files a child reads; it is forked anew, so that what it leaks is gone.
A_CHILD = 500
SECONDS = 10  # of computing for one file

EDGES = [0, 1, 2, 7, 8, 9, 15, 16, 17, 32, 127, 128, 129, 254, 255]
WORDS = [struct.pack("<H", n) for n in (0, 1, 8, 255, 256, 32767, 32768, 65534, 65535)] + [
    struct.pack(order, n) for order in ("<I", ">I") for n in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
]
VALUES: list[object] = [0, 1, -1, 2, 3, 7, 12, 15, 16, 17, 255, 256, 4095, 32767, 65535, "", None, "NaN", "1e300", "\0"]
KEYWORDS = [
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "SamplesPerPixel",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "PresentationLUTShape",
    "PhotometricInterpretation",
    "PixelSpacing",
    "PixelAspectRatio",
    "NumberOfFrames",
    "PatientAge",
    "PatientName",
    "StudyDate",
    "ViewPosition",
    "SpecificCharacterSet",
]


class Seed(NamedTuple):
    kind: str  # for the count
    name: str
    data: bytes


class Mutant(NamedTuple):
    kind: str
    name: str
    data: bytes


class Found(NamedTuple):
    number: int
    kind: str
    what: str


@cache
def seeds() -> list[Seed]:
    return [*pictures(), *films(), *real_files()]


@cache
def by_kind() -> list[list[Seed]]:
    return [list(group) for _kind, group in groupby(sorted(seeds()), key=attrgetter("kind"))]


def pictures() -> Iterator[Seed]:
    import numpy as np
    from PIL import Image

    from imaging.tests.pictures import encoded, gradient
    from imaging.tests.test_ingest import wide

    grey = gradient(96, 80)
    deep = grey.astype(np.uint16) * 200
    exif = Image.Exif()
    exif[0x0112] = 6
    flat = Image.fromarray(grey)
    for mode in ("L", "1", "P", "LA", "RGB", "RGBA"):
        yield Seed("PNG", "film.png", encoded(flat.convert(mode), exif=exif))
    for channels, colour in ((3, 2), (2, 4), (4, 6)):
        yield Seed("PNG of 16 bits", "film.png", wide([deep] * channels, colour))
    yield Seed("PNG of 16 bits", "film.png", encoded(deep))
    yield Seed("PNG", "film.png", encoded(flat, save_all=True, append_images=[flat.rotate(90)]))
    for options in ({}, {"progressive": True}, {"restart_marker_blocks": 7}, {"exif": exif, "comment": b"film"}):
        yield Seed("JPEG", "film.jpg", encoded(flat.convert("RGB"), "JPEG", **options))
    yield Seed("JPEG", "film.jpg", encoded(flat, "JPEG"))
    yield Seed("JPEG", "film.jpg", encoded(flat.convert("CMYK"), "JPEG"))
    yield Seed("JPEG", "film.jpg", encoded(flat, "MPO", save_all=True, append_images=[flat]))


def films() -> Iterator[Seed]:
    import jpeg_ls
    import numpy as np
    from pydicom import uid
    from pydicom.sequence import Sequence

    from imaging.tests.pictures import encoded, gradient
    from imaging.tests.test_dicom import film
    from imaging.tests.test_dicom_codings import jpeg_lossless, with_frame
    from imaging.tests.test_dicom_display import lut

    grey = gradient(96, 80)
    twelve, tags = grey.astype(np.uint16) * 16, {"BitsStored": 12, "HighBit": 11}
    window = {"WindowCenter": [2048, 1000], "WindowWidth": [4096, 500], "RescaleSlope": "1.5", "RescaleIntercept": "-9"}
    yield Seed("DICOM", "film.dcm", film(grey, PatientName="Wang^Da=王^大", SpecificCharacterSet="ISO_IR 192"))
    for syntax in (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.DeflatedExplicitVRLittleEndian):
        yield Seed("DICOM", "film.dcm", film(twelve, syntax, **tags, **window))
    tables = {"VOILUTSequence": lut(np.arange(4096), [4096, 0, 12]), "ModalityLUTSequence": Sequence([])}
    yield Seed("DICOM", "film.dcm", film(twelve, **tags, **tables))
    padded = {"PixelPaddingValue": -2048, "PixelPaddingRangeLimit": -2000, "PixelSpacing": [0.4, 0.2]}
    yield Seed("DICOM", "film.dcm", film(twelve.astype(np.int16) - 2048, PixelRepresentation=1, **tags, **padded))
    frames = {
        uid.JPEGBaseline8Bit: [encoded(grey, "JPEG")],
        uid.JPEG2000Lossless: [encoded(grey, "JPEG2000", no_jp2=True)],
        uid.JPEG2000: [encoded(grey, "JPEG2000", no_jp2=True, irreversible=True)],
        uid.JPEGLossless: [jpeg_lossless(grey)],
        uid.JPEGLosslessSV1: [jpeg_lossless(grey), jpeg_lossless(twelve)],
        uid.JPEGLSLossless: [bytes(jpeg_ls.encode_array(grey)), bytes(jpeg_ls.encode_array(twelve))],
        uid.JPEGLSNearLossless: [bytes(jpeg_ls.encode_array(grey, lossy_error=2))],
        uid.RLELossless: [run_length(grey)],
    }
    for syntax, coded in frames.items():
        for number, frame in enumerate(coded):
            plain = film(twelve, **tags) if number else film(grey)
            yield Seed(syntax.name[:40], "film.dcm", with_frame(frame, syntax, plain))


def run_length(picture) -> bytes:
    body = b"".join(bytes([95]) + row.tobytes() for row in picture)
    return struct.pack("<16L", 1, 64, *[0] * 14) + body + bytes(len(body) % 2)


def real_files() -> Iterator[Seed]:
    from imaging.tests.realfiles import manifest

    for folder in ("hostile", "dicom"):
        for row in manifest(folder):
            data = as_radiograph(row["path"].read_bytes())
            if len(data) < 150_000:
                yield Seed(f"real, {folder}", row["path"].name, data)


def as_radiograph(data: bytes) -> bytes:
    """A DICOM file of another modality says that it is a radiograph, so that its pixels are read."""
    return re.sub(rb"(\x08\0\x60\0(?:CS\x02\0|\x02\0\0\0))(CT|MR|NM|US|OT)", rb"\1DX", data)


def mutant(number: int) -> Mutant:
    """The file of that number, always the same."""
    dice = random.Random(number)
    seed = dice.choice(dice.choice(by_kind()))
    data = bytearray(seed.data)
    if seed.name == "film.dcm" and dice.random() < 0.3:
        data = bytearray(other_values(seed.data, dice))
    for _time in range(dice.choice([0, 1, 1, 2, 4, 16])):
        dice.choice(CHANGES)(data, dice)
    if seed.name.endswith("png") and dice.random() < 0.7:
        data = bytearray(with_checksums(bytes(data)))
    return Mutant(seed.kind, seed.name, bytes(data))


def place(data: bytearray, dice: random.Random) -> int:
    """Mostly near the beginning, where a file says what it is."""
    return int(len(data) * dice.random() ** dice.choice([1, 1, 3, 8]))


def flip(data: bytearray, dice: random.Random) -> None:
    if data:
        data[min(place(data, dice), len(data) - 1)] ^= 1 << dice.randrange(8)


def set_byte(data: bytearray, dice: random.Random) -> None:
    if data:
        data[min(place(data, dice), len(data) - 1)] = dice.choice(EDGES)


def set_word(data: bytearray, dice: random.Random) -> None:
    at, word = place(data, dice), dice.choice(WORDS)
    data[at : at + len(word)] = word


def cut(data: bytearray, dice: random.Random) -> None:
    del data[place(data, dice) :]


def drop(data: bytearray, dice: random.Random) -> None:
    at = place(data, dice)
    del data[at : at + dice.randrange(1, 40)]


def repeat(data: bytearray, dice: random.Random) -> None:
    at = place(data, dice)
    data[at:at] = data[at : at + dice.randrange(1, 400)] * dice.choice([1, 1, 2, 50])


def splice(data: bytearray, dice: random.Random) -> None:
    other = dice.choice(seeds()).data
    start = dice.randrange(len(other))
    piece, at = other[start : start + dice.randrange(1, 2000)], place(data, dice)
    data[at : at + len(piece)] = piece


def noise(data: bytearray, dice: random.Random) -> None:
    at = place(data, dice)
    piece = dice.randbytes(dice.randrange(1, 64))
    data[at : at + len(piece)] = piece


CHANGES: list[Callable[[bytearray, random.Random], None]] = [
    flip, flip, set_byte, set_byte, set_word, set_word, cut, drop, repeat, splice, noise,
]  # fmt: skip


def other_values(data: bytes, dice: random.Random) -> bytes:
    """A film that says something else of itself, in a sound file."""
    import pydicom

    dataset = pydicom.dcmread(io.BytesIO(data))
    target = io.BytesIO()
    try:
        for _time in range(dice.randint(1, 4)):
            keyword, value = dice.choice(KEYWORDS), dice.choice(VALUES)
            if value is None:
                dataset.pop(keyword, None)
            else:
                setattr(dataset, keyword, [value, value] if dice.random() < 0.2 else value)
        dataset.save_as(target, enforce_file_format=False)
    except Exception:  # pydicom does not write everything, and the bytes are changed beside
        return data
    return target.getvalue()


def with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks are what their checksums say, so that what was changed in them is read."""
    out, at = data[:8], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : at + 8 + length]
        if at + 12 + length > len(data):
            break
        out += data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return out + data[at:]


class Run:
    """The files of these numbers, read one after the other; `counts` by kind and end."""

    def __init__(self, numbers: range):
        self.numbers = numbers
        self.counts: Counter[tuple[str, str]] = Counter()
        self.found: list[Found] = []
        self.slowest = (0.0, -1)

    def go(self) -> None:
        at = self.numbers.start
        while at < self.numbers.stop:
            at = self._child(at, min(at + A_CHILD, self.numbers.stop))

    def _child(self, first: int, stop: int) -> int:
        """Let a child read the files from `first` on; return the number at which to go on."""
        answers, theirs = os.pipe()
        reached = mmap.mmap(-1, 8)
        if not (pid := os.fork()):
            os.close(answers)
            live(range(first, stop), theirs, reached)
        os.close(theirs)
        with open(answers, "rb") as lines:
            for line in lines:
                self._note(*json.loads(line))
        _pid, status = os.waitpid(pid, 0)
        number = int.from_bytes(reached, "little")
        if not status:
            return stop
        by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        end = {signal.SIGPROF: "too slow", None: "exited"}.get(by, "crashed")
        self.counts[mutant(number).kind, end] += 1
        if end == "exited":
            self.found.append(Found(number, mutant(number).kind, f"the child exited with {status}"))
        return number + 1

    def _note(self, number: int, kind: str, end: str, what: str, seconds: float) -> None:
        self.counts[kind, end] += 1
        self.slowest = max(self.slowest, (seconds, number))
        if end == "exception":
            self.found.append(Found(number, kind, what))


def live(numbers: range, answers: int, reached: mmap.mmap) -> None:
    from django.conf import settings

    from backoffice.files import nursery

    code = 1
    try:
        room = settings.FILE_MEMORY_LIMIT + nursery.mapped_beyond_use()
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what the C libraries say
        with open(answers, "w", buffering=1) as lines:
            for number in numbers:
                reached[:8] = number.to_bytes(8, "little")
                signal.setitimer(signal.ITIMER_PROF, SECONDS)
                lines.write(json.dumps([number, *read(mutant(number))]) + "\n")
        code = 0
    finally:
        os._exit(code)


def read(one: Mutant) -> tuple[str, str, str, float]:
    """Its kind, what became of it, words to that, and how many seconds it took."""
    from imaging import reading

    started, end, what = time.process_time(), "kept", ""
    pixels, thumbnail, deep = io.BytesIO(), io.BytesIO(), io.BytesIO()
    try:
        (said,) = reading.picture(io.BytesIO(one.data), pixels, thumbnail, deep, name=one.name)
        json.dumps(said)
        if "refused" in said:
            end = "refused"
        elif not (pixels.tell() and thumbnail.tell()):
            end, what = "exception", "it wrote no picture"
    except MemoryError:
        end = "too large"
    except BaseException:
        end, what = "exception", traceback.format_exc(limit=-4)
    return one.kind, end, what, time.process_time() - started


def table(counts: Counter[tuple[str, str]]) -> str:
    ends = ["kept", "refused", "too large", "crashed", "too slow", "exited", "exception"]
    kinds = sorted({kind for kind, _end in counts})
    rows = [["", *ends], *([kind, *(str(counts[kind, end]) for end in ends)] for kind in kinds)]
    rows.append(["all", *(str(sum(n for (_kind, is_), n in counts.items() if is_ == end)) for end in ends)])
    return "\n".join(f"{row[0]:42}" + "".join(f"{cell:>11}" for cell in row[1:]) for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=int)
    parser.add_argument("--from", type=int, default=0, dest="first", help="the number of the first")
    asked = parser.parse_args()
    set_up()
    run = Run(range(asked.first, asked.first + asked.files))
    started = time.monotonic()
    run.go()
    print(table(run.counts))
    seconds, number = run.slowest
    print(f"{asked.files} files in {time.monotonic() - started:.0f} s; number {number} took longest: {seconds:.1f} s")
    for found in run.found[:20]:
        print(f"\nnumber {found.number} ({found.kind}):\n{found.what}")
    sys.exit(bool(run.found))


def set_up() -> None:
    import logging
    import warnings

    import django

    warnings.simplefilter("ignore")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    logging.disable()
    seeds()


if __name__ == "__main__":
    main()
