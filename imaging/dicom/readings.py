"""What the bytes of a name may mean: by the character set that the file declares (PS3.3 C.12.1.1.2), and by those in
which machines write Chinese without declaring it. DICOM knows no Big5, so a machine that writes it cannot but lie."""

import re
from collections.abc import Iterator
from contextlib import suppress

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

# Where there is none by this number, or it is for private use: the bytes are in another set.
NO_CHARACTERS = re.compile(r"[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")
COMMON = (("big5", 0xA4, 0xC6), ("gb2312", 0xB0, 0xD7))

# ISO/IEC 2022 by which a text goes from one set to another: pydicom leaves those to GB 2312 in it.
ESCAPES = re.compile(r"\x1b[ -/]+[0-~]")

LONGEST = 400  # bytes: five components of 64 characters, and room


def readings(dataset: pydicom.Dataset, keyword: str) -> list[str]:
    """Return the texts that an element may hold, the likeliest first, without groups that are left blank at the end;
    empty where it is absent or blank."""
    value = values.as_written(dataset, keyword)
    if not isinstance(value, bytes):  # pydicom has made a text of it already
        return [text] if (text := values.text(dataset, keyword).rstrip("=")) else []
    written = value[:LONGEST].rstrip(b"\0 ")
    declared = _declared(dataset, written)
    if written.isascii():
        return [text] if (text := declared.rstrip("=")) else []
    others = list(_undeclared(written))
    likely = [] if _is_likely(declared) else sorted(filter(_is_likely, others), key=_rare)
    found = [text for text in dict.fromkeys(text.rstrip("=") for text in [*likely, declared, *others]) if text]
    return [text for text in found if not NO_CHARACTERS.search(text)] or found[:1]


def _is_likely(text: str) -> bool:
    return not NOT_EASTERN.search(text) and not MIXED.search(text)


def _rare(text: str) -> int:
    """How many ideographs of a text are none that children learn: the first halves of Big5 and of GB 2312 are ordered
    by strokes and by sound, and hold what is common."""
    return sum(not character.isascii() and not _is_common(character) for character in text)


def _is_common(character: str) -> bool:
    for encoding, first, last in COMMON:
        with suppress(UnicodeEncodeError):
            if first <= character.encode(encoding)[0] <= last:
                return True
    return False


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
    return values.storable(ESCAPES.sub("", text))
