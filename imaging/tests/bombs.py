"""Small files that swell, made by kind and at random: pictures and DICOM files that cost their reader dearly."""

import random
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image
from pydicom import uid

from imaging.tests.pictures import encoded, gradient
from imaging.tests.test_dicom import film
from imaging.tests.test_dicom_codings import with_frame

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of PNG's colour types
WINDOW = {"WindowCenter": "100", "WindowWidth": "200", "RescaleSlope": "1.5", "RescaleIntercept": "-3"}
ITEM, SEQUENCE = struct.pack("<HHI", 0xFFFE, 0xE000, 0), struct.pack("<HH", 0x0028, 0x3010)  # VOILUTSequence


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int = 8, colour: int = 0, extra: bytes = b"", interlaced: int = 0) -> bytes:
    """One colour all over: less than a hundredth of what it unpacks to."""
    packed = zlib.compressobj(1)
    row = bytes(1 + width * CHANNELS[colour] * depth // 8)
    body = b"".join(packed.compress(row) for _row in range(height)) + packed.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
    palette = chunk(b"PLTE", bytes(768)) if colour == 3 else b""
    return b"\x89PNG\r\n\x1a\n" + header + palette + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def texts(number: int, size: int) -> bytes:
    return b"".join(chunk(b"zTXt", b"a%d\0\0" % n + zlib.compress(bytes(size), 9)) for n in range(number))


def big(rows: int, columns: int, bits: int = 16, **tags) -> bytes:
    """The head of a film that claims such a size, with next to no pixels."""
    claims = {"Rows": rows, "Columns": columns, "BitsAllocated": bits, "BitsStored": bits, "HighBit": bits - 1}
    return film(gradient(), **claims, **tags)


def jpeg2000(rows: int, columns: int, bits: int = 16, **tags) -> bytes:
    flat = Image.new("L" if bits == 8 else "I;16", (columns, rows), 10)
    frame = encoded(flat, "JPEG2000", no_jp2=True)
    return with_frame(frame, uid.JPEG2000Lossless, big(rows, columns, bits, **tags))


def run_length(rows: int, columns: int, **tags) -> bytes:
    segment = bytes([129, 0]) * (rows * columns // 128)
    frame = struct.pack("<16L", 2, 64, 64 + len(segment), *[0] * 13) + 2 * segment
    return with_frame(frame, uid.RLELossless, big(rows, columns, **tags))


def implicit(body: bytes) -> bytes:
    head = film(gradient(64, 64), uid.ImplicitVRLittleEndian)
    return head[: 144 + int.from_bytes(head[140:144], "little")] + body


def deflated(body: bytes) -> bytes:
    head = film(gradient(64, 64), uid.DeflatedExplicitVRLittleEndian)
    packed = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    meta = head[: 144 + int.from_bytes(head[140:144], "little")]
    return meta + packed.compress(body) + packed.flush()


def elements(number: int) -> bytes:
    """Empty ones, in implicit VR."""
    return b"".join(struct.pack("<HHI", 9 + 2 * (n >> 16), n & 0xFFFF, 0) for n in range(number))


def explicit_elements(number: int) -> bytes:
    return b"".join(struct.pack("<HH2sH", 9 + 2 * (n >> 16), n & 0xFFFF, b"LO", 0) for n in range(number))


def items(number: int, *, said: bool) -> bytes:
    """A sequence of empty items, whose length is said (so that they are parsed when asked for) or is not."""
    return SEQUENCE + struct.pack("<I", 8 * number if said else 0xFFFFFFFF) + ITEM * number


def nested(depth: int) -> bytes:
    return (SEQUENCE + b"\xff" * 4 + ITEM[:4] + b"\xff" * 4) * depth


def asked_for(body: bytes) -> bytes:
    """A film that is one but for `body` in it, so that its reader gets as far as asking."""
    whole = film(gradient(), uid.ImplicitVRLittleEndian)
    at = whole.index(struct.pack("<HH", 0x7FE0, 0x0010))
    return whole[:at] + body + whole[at:]


def many_numbers(number: int) -> bytes:
    text = b"1\\" * number
    return asked_for(struct.pack("<HHI", 0x0028, 0x1050, len(text)) + text)


KINDS: dict[str, Callable[[], bytes]] = {
    "rgba.png": lambda: png(8000, 8000, 8, 6),
    "rgb-of-16-bits.png": lambda: png(8000, 8000, 16, 2),
    "rgba-of-16-bits.png": lambda: png(8000, 8000, 16, 6),
    "interlaced-rgba.png": lambda: png(6000, 6000, 8, 6, interlaced=1),
    "transparent-palette.png": lambda: png(8000, 8000, 8, 3, chunk(b"tRNS", bytes(256))),
    "grey-of-16-bits.png": lambda: png(8000, 8000, 16, 0),
    "texts.png": lambda: png(64, 64, extra=texts(60, 1_000_000)),
    "profile.png": lambda: png(64, 64, extra=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(200_000_000), 9))),
    "jpeg2000.dcm": lambda: jpeg2000(8000, 8000, **WINDOW),
    "run-length.dcm": lambda: run_length(8000, 8000, **WINDOW),
    "elements.dcm": lambda: implicit(elements(200_000)),
    "deflated-elements.dcm": lambda: deflated(explicit_elements(200_000)),
    "deflated-zeros.dcm": lambda: deflated(bytes(140_000_000)),
    "items.dcm": lambda: implicit(items(2_000_000, said=False)),
    "items-asked-for.dcm": lambda: asked_for(items(400_000, said=True)),
    "nested.dcm": lambda: implicit(nested(500_000)),
    "fragments.dcm": lambda: with_frame(b"\xff\xd8", uid.JPEGBaseline8Bit)[:-8] + ITEM * 2_000_000,
    "numbers.dcm": lambda: many_numbers(4_000_000),
}


def at_random(seed: int) -> tuple[str, bytes]:
    """One that nobody thought of: its name, and what is in it."""
    dice = random.Random(seed)
    side, long = dice.randint(500, 8000), dice.choice([8, 64, 1000, 8000])
    number = 10 ** dice.randint(3, 5) * dice.randint(1, 9)
    window = WINDOW if dice.random() < 0.5 else {}
    depth, colour = dice.choice([(1, 0), (8, 0), (16, 0), (8, 2), (16, 2), (8, 3), (8, 4), (16, 4), (8, 6), (16, 6)])
    make = dice.choice(
        [
            lambda: ("film.png", png(side, long, depth, colour, interlaced=dice.choice([0, 1]))),
            lambda: ("film.png", png(64, 64, extra=texts(dice.randint(1, 80), number))),
            lambda: ("film.png", cut(png(side, side, depth, colour), dice)),
            lambda: ("film.dcm", jpeg2000(side, long, dice.choice([8, 16]), **window)),
            lambda: ("film.dcm", run_length(side // 128 * 128 + 128, 128 * dice.randint(1, 60), **window)),
            lambda: ("film.dcm", implicit(elements(number))),
            lambda: ("film.dcm", deflated(explicit_elements(number))),
            lambda: ("film.dcm", implicit(items(number, said=dice.random() < 0.5))),
            lambda: ("film.dcm", asked_for(items(number, said=True))),
            lambda: ("film.dcm", implicit(nested(number))),
            lambda: ("film.dcm", many_numbers(number)),
            lambda: ("film.dcm", scrambled(film(gradient(), **window), dice)),
        ]
    )
    return make()


def cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randint(len(data) // 2, len(data))]


def scrambled(data: bytes, dice: random.Random) -> bytes:
    changed = np.frombuffer(data, np.uint8).copy()
    for _time in range(40):
        changed[dice.randint(132, 700)] = dice.randint(0, 255)
    return changed.tobytes()
