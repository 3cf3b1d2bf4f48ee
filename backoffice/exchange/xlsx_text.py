"""Text in XLSX: characters that XML does not have are written as `_x0001_`, and what looks like that, too."""

import re

LONGEST_CELL = 32_767  # characters; Excel's limit

NOT_IN_XML = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")  # a carriage return would become \n
WRITTEN = re.compile("_x([0-9A-Fa-f]{4})_")


def to_xlsx(text: str) -> str:
    return NOT_IN_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", text)


def from_xlsx(text: str) -> str:
    return WRITTEN.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text
