"""Small workbooks that swell: each part in turn holds more than anybody can need."""

import io
import zipfile
from collections.abc import Callable

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"

PLENTY = 5_000_000  # bytes of tags, which pack to some kilobytes


def workbook(texts: str = "sharedStrings.xml", said: dict[str, str] | None = None, **parts: str) -> bytes:
    """A workbook with the column `a`; `texts` is what its table of shared texts is called, and `said` replaces whole
    parts. The others are added to where they are named."""
    file = io.BytesIO()
    added = {name: parts.get(name, "") for name in ("styles", "names", "relations", "rows", "shared")}
    content = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KIND}.worksheet+xml"/>'
        f'<Override PartName="/xl/{texts}" ContentType="{KIND}.sharedStrings+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{KIND}.styles+xml"/></Types>',
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{RELATIONS}">'
        f'<sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets>{added["names"]}</workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>{added["relations"]}</Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet {MAIN}><sheetData>{row(1, 'a')}{added['rows']}</sheetData>"
        "</worksheet>",
        "xl/styles.xml": f"<styleSheet {MAIN}>{added['styles']}</styleSheet>",
        f"xl/{texts}": f"<sst {MAIN}>{added['shared']}</sst>",
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, text in (content | (said or {})).items():
            archive.writestr(name, text)
    return file.getvalue()


def row(number: int, *cells: str) -> str:
    inside = "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in cells)
    return f'<row r="{number}">{inside}</row>'


def plenty(tag: str) -> str:
    return tag * (PLENTY // len(tag))


def understated() -> bytes:
    """The directory gives the styles a hundred bytes."""
    data = bytearray(workbook(styles=plenty("<a/>")))
    at = data.rfind(b"xl/styles.xml") - 46
    data[at + 24 : at + 28] = (100).to_bytes(4, "little")
    return bytes(data)


NESTED_ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 12}">' for n in range(1, 10))
LAUGHS = f'<!DOCTYPE l [<!ENTITY e0 "lol">{NESTED_ENTITIES}]><styleSheet {MAIN}><a>&e9;</a></styleSheet>'

TOO_LARGE, DAMAGED = "too large once it is unpacked", "cannot be read as an Excel workbook"

KINDS: dict[str, tuple[Callable[[], bytes], str]] = {
    "formats": (lambda: workbook(styles=f"<cellXfs>{plenty('<xf/>')}</cellXfs>"), TOO_LARGE),
    "nested styles": (lambda: workbook(styles="<a>" * 700_000 + "</a>" * 700_000), TOO_LARGE),
    "a long attribute": (lambda: workbook(styles=f'<a b="{"x" * 50_000_000}"/>'), TOO_LARGE),
    "names": (
        lambda: workbook(
            names="<definedNames>" + '<definedName name="a">1</definedName>' * 200_000 + "</definedNames>"
        ),
        TOO_LARGE,
    ),
    "relations": (lambda: workbook(relations='<Relationship Id="x" Type="a" Target="b"/>' * 400_000), TOO_LARGE),
    "styles in the place of texts": (
        lambda: workbook("styles.xml", said={"xl/styles.xml": f"<sst {MAIN}>{plenty('<a/>')}</sst>"}),
        TOO_LARGE,
    ),
    "texts under another name": (
        lambda: workbook("worksheets/texts.xml", shared="<si><t>" + "x" * 110_000_000 + "</t></si>"),
        TOO_LARGE,
    ),
    "a row of cells": (lambda: workbook(rows=f'<row r="2">{"<c/>" * 2_050_000}</row>' + row(3, "x")), TOO_LARGE),
    "empty rows before the last": (lambda: workbook(rows="<row/>" * 2_050_000 + row(3_000_000, "x")), TOO_LARGE),
    "entities": (lambda: workbook(said={"xl/styles.xml": LAUGHS}), DAMAGED),
    "a size that is understated": (understated, DAMAGED),
    "rows far apart": (lambda: workbook(rows="".join(row(n * 1_000_000, "x") for n in range(1, 1000))), ""),
}
