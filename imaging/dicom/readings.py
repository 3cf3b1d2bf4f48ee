"""What the bytes of a name may mean: by the character set that the file declares (PS3.3 C.12.1.1.2), and by those in
which machines write Chinese without declaring it. DICOM knows no Big5, so a machine that writes it cannot but lie."""

import re
from collections.abc import Iterator

import pydicom
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.valuerep import TEXT_VR_DELIMS

from imaging.dicom import values

# In the order in which they are believed where nothing else tells: what is UTF-8 is hardly anything else by chance.
UNDECLARED = ("utf-8", "cp950", "big5hkscs", "gb18030", "shift_jis", "euc_kr")

# Words of ideographs, kana or hangul alone, as names are. Other bytes read so mix them with letters.
EASTERN = r"\u3005-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
NOT_EASTERN = re.compile(rf"[^\x00-\x7f{EASTERN}\u00b7\u2027\u30fb\uff0e\u3000]")
MIXED = re.compile(rf"[A-Za-z][{EASTERN}]|[{EASTERN}][A-Za-z]")

LONGEST = 400  # bytes: five components of 64 characters, and room


def readings(dataset: pydicom.Dataset, keyword: str) -> list[str]:
    """Return the texts that an element may hold, the likeliest first; empty where it is absent or blank."""
    value = dataset.get_item(keyword).value if keyword in dataset else None
    if not isinstance(value, bytes):  # pydicom has made a text of it already
        return [text] if (text := values.text(dataset, keyword)) else []
    written = value[:LONGEST].rstrip(b"\0 ")
    declared = _declared(dataset, written)
    if written.isascii():
        return [declared] if declared else []
    others = list(_undeclared(written))
    likely = [text for text in others if not NOT_EASTERN.search(text) and not MIXED.search(text)]
    is_likely = not NOT_EASTERN.search(declared) and not MIXED.search(declared)
    first = [declared] if is_likely or not likely else likely
    return [text for text in dict.fromkeys([*first, declared, *others]) if text]


def _declared(dataset: pydicom.Dataset, written: bytes) -> str:
    try:
        charset = values.raw(dataset, "SpecificCharacterSet")
        encodings = convert_encodings([str(one) for one in charset] if _is_several(charset) else str(charset or ""))
        return _clean(decode_bytes(written, encodings, TEXT_VR_DELIMS))
    except values.UNREADABLE_VALUE:
        return ""


def _is_several(charset: object) -> bool:
    return not isinstance(charset, str) and hasattr(charset, "__iter__")


def _undeclared(written: bytes) -> Iterator[str]:
    for encoding in UNDECLARED:
        try:
            yield _clean(written.decode(encoding))
        except UnicodeDecodeError:
            continue


def _clean(text: str) -> str:
    return values.storable(text)
