"""Where a sheet's last value stands. Below it people leave a million rows that hold a format and nothing else, and to
take each of them apart takes seconds."""

import re

from backoffice.exchange.xlsx_parts import CountedPart

BLOCK = 1 << 20
VALUES = (b"v>", b"v ", b"is>", b"is ", b"f>", b"f ", b"f/")
SHEET = re.compile(rb"<(\w+:)?worksheet\b")


def rows_with_values(source: CountedPart) -> int | None:
    """How many of a sheet's rows there are to its last value. None where it is written so that only reading it tells.

    `source` is the sheet's XML. A value is a `<v>`, `<is>` or `<f>`; in a text, XML has no `<`.
    """
    block = source.read(BLOCK)
    root = SHEET.search(block)
    if root is None:
        return None
    prefix = root[1] or b""
    row, values = b"<" + prefix + b"row", [b"<" + prefix + tag for tag in VALUES]
    before = filled = 0
    while block:
        cut = block.rfind(b"<")  # a tag that the block's end parts belongs to the next block
        whole, rest = (block[:cut], block[cut:]) if cut > 0 else (block, b"")
        last = max(whole.rfind(value) for value in values)
        if last >= 0:
            filled = before + whole.count(row, 0, last)
        before += whole.count(row)
        more = source.read(BLOCK)
        block = rest + more if more else b""
    return filled
