"""Files of kinds that are not read here: told by how they begin, so that a refusal names what was sent and says how to
go on. Whatever a file is called, its content says what it is."""

import re
from collections.abc import Callable

from django.utils.translation import gettext as _

# Of the ISO base media format (ISO/IEC 14496-12): what stands behind "ftyp".
BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
}

# PS3.10 files begin with 128 bytes for nothing; some programs leave these out, and what follows them too.
BARE_DICOM = re.compile(rb".?(DICM)?(\x02\0[\0\x01]\0UL|\x08\0[\0\x01\x05\x08\x16\x18]\0(UL|CS|UI|.\0\0\0))", re.DOTALL)

# Its first bytes tell whether it was copied as if it were text.
DAMAGED_PNG = re.compile(rb".?PNG[\r\n]", re.DOTALL)

PICTURES = (
    ("WebP", rb"RIFF....WEBP"),
    ("TIFF", rb"II[*+]\0|MM\0[*+]"),
    ("GIF", rb"GIF8"),
    ("BMP", rb"BM.{4}\0{4}.\0\0\0[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0|BM.{12}"),
    ("JPEG 2000", rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    ("JPEG XL", rb"\xff\x0a|\0\0\0\x0cJXL "),
    ("JPEG-XR", rb"II\xbc"),
    ("ICO", rb"\0\0\x01\0[^\0]\0"),
    ("PNM", rb"P[1-7]\d*\s+\d"),
    ("PSD", rb"8BPS"),
    ("SVG", rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg"),
)
VOLUMES = (("NRRD", rb"NRRD"), ("MetaImage", rb"ObjectType\s*="), ("NIfTI", rb".{344}(n[i+]1\0)"))
DOCUMENTS = (
    ("PDF", rb".{0,1024}?%PDF-"),
    ("HTML", rb"\s*<(!DOCTYPE html|html|head|body)"),
    ("RTF", rb"\{\\rtf"),
    ("PostScript", rb"%!PS"),
    ("Office", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1|PK\x03\x04.{26}(\[Content_Types\]|_rels/|word/|ppt/|xl/|mimetype)"),
)
ARCHIVES = (
    ("ZIP", rb"PK(\x03\x04|\x05\x06)"),
    ("RAR", rb"Rar!"),
    ("7z", rb"7z\xbc\xaf\x27\x1c"),
    ("gzip", rb"\x1f\x8b"),
    ("xz", rb"\xfd7zXZ\0"),
    ("tar", rb".{257}ustar"),
)
VIDEOS = (
    ("AVI", rb"RIFF....AVI "),
    ("MP4", rb"....ftyp"),
    ("Matroska", rb"\x1a\x45\xdf\xa3"),
    ("MPEG", rb"\0\0\x01\xba"),
)

LONGEST_BEGINNING = 4096


def advice(data: bytes) -> str:
    """Say what `data`, which is no PNG, JPEG or DICOM file, is instead, and what to do."""
    begins = data[:LONGEST_BEGINNING]
    if not begins.strip(b"\0"):
        return _("It holds nothing but zeros: copying it went wrong. Copy it again from where it came.")
    if BARE_DICOM.match(begins):
        return _("It is a DICOM file that has lost its header (preamble). Export it again as a DICOM file.")
    if DAMAGED_PNG.match(begins):
        return _(
            "It is a PNG file whose beginning is damaged: copying it went wrong. Copy it again from where it came."
        )
    if BRANDS.get(begins[8:12], "") and begins[4:8] == b"ftyp":
        return _still(BRANDS[begins[8:12]])
    for kinds, sentence in SENTENCES:
        for kind, pattern in kinds:
            if re.match(pattern, begins, re.DOTALL | re.IGNORECASE):
                return sentence(kind)
    return _("It is no PNG, JPEG or DICOM file, or has lost its header. Export it again as one of these.")


def _still(kind: str) -> str:
    message = _("Pictures of the kind %(kind)s are not read here. Save it as PNG or JPEG, or export the DICOM.")
    return message % {"kind": kind}


def _volume(kind: str) -> str:
    return _("Files of the kind %(kind)s are not read here. Export the film as DICOM or PNG.") % {"kind": kind}


def _document(kind: str) -> str:
    message = _("It is a document (%(kind)s), not a picture. Export the film itself, as DICOM or PNG.")
    return message % {"kind": kind}


def _archive(kind: str) -> str:
    return _("It is an archive of files (%(kind)s). Unpack it, and upload the films that are in it.") % {"kind": kind}


def _video(kind: str) -> str:
    return _("It is a video (%(kind)s). Upload one still picture.") % {"kind": kind}


SENTENCES: tuple[tuple[tuple[tuple[str, bytes], ...], Callable[[str], str]], ...] = (
    (PICTURES, _still),
    (VOLUMES, _volume),
    (DOCUMENTS, _document),
    (ARCHIVES, _archive),
    (VIDEOS, _video),
)
