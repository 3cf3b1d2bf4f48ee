"""A report as a PDF/A-2u: typefaces and colour profile within, language and title named, no script and nothing that
leads elsewhere. What it says is tagged, in the order in which it is read, for who has it read out or set larger.

The page is set by hand, sign by sign: no markup of any library is read, so none in a name or a text does anything.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import segno
from django.utils import timezone

from inference.reports.lines import lines
from inference.reports.sheet import Sheet
from inference.typefaces import FILES, advance, missing_from, runs, width

# In mm, of an A4 page; sizes of type in points.
PAGE, MARGIN, FOOT = (210.0, 297.0), 22.0, 24.0
COLUMN = PAGE[0] - 2 * MARGIN
FACTS, FILM = 34.0, 36.0
QR, QUIET = 26.0, 4
POINT = 25.4 / 72
SMALL, TEXT, HEADING, TITLE = 8.0, 10.5, 12.0, 19.0
LEADING, BLANK = 1.5, 0.5  # a line of nothing parts two paragraphs
INK, SOFT, ACCENT, RED = (28, 34, 40), (92, 100, 108), (14, 92, 110), (168, 32, 32)
CAPTION = 6.5  # its type, in points


@dataclass(frozen=True)
class Line:
    text: str
    size: float = TEXT
    colour: tuple[int, int, int] = INK
    before: float = 0.0
    """Free above it, in mm; none at the top of a page."""
    stays: bool = False
    """With the line after it: a heading is no page's last line."""
    goes_on: bool = False
    """With the paragraph of the line before it."""

    @property
    def height(self) -> float:
        return self.size * POINT * LEADING * (1 if self.text else BLANK)


def render(sheet: Sheet) -> bytes:
    """Return the file. The same sheet of the same moment makes the same bytes, but for its identifier."""
    pages = list(_paged(list(_lines(sheet)), _head_height(sheet)))
    file = _file(sheet)
    for number, page in enumerate(pages, start=1):
        file.add_page()
        top = _head(file, sheet) if number == 1 else MARGIN
        _set(file, page, top, sheet.language)
        _foot(file, sheet, number, len(pages))
    return bytes(file.output(output_producer_class=_with_information()))


def _with_information() -> Any:
    """fpdf2 gives a PDF/A no information dictionary, for which many readers look alone. PDF/A-2 allows it, where it
    says what the XMP says (ISO 19005-2, 6.6.2): both are made of the same."""
    from fpdf.output import OutputProducer

    class Producer(OutputProducer):
        def _add_xmp_metadata(self) -> Any:
            metadata = super()._add_xmp_metadata()
            self.fpdf._compliance = None  # by which alone it decides, right after this, to leave it out
            return metadata

    return Producer


def _file(sheet: Sheet) -> Any:
    from fpdf import FPDF  # where a report is set, and nowhere else: it takes as long as all the rest of a start
    from fpdf.prefs import ViewerPreferences

    file = FPDF(format="A4", unit="mm", enforce_compliance="PDF/A-2U")
    file.set_auto_page_break(False)
    file.set_display_mode("default")  # how large it is shown is its reader's matter
    file.set_margin(0)
    file.set_lang("zh-Hant-TW" if sheet.language.startswith("zh") else "en")
    file.set_title(f"{sheet.title} · {sheet.clinic}")
    file.set_author(sheet.clinic)
    file.set_creator("Collimator")
    file.set_creation_date(sheet.at or timezone.now())
    file.viewer_preferences = ViewerPreferences(display_doc_title=True)
    return file


# -- What stands on it ------------------------------------------------------------------------------------------------


def _broken(text: str, size: float, language: str, longest: float = COLUMN) -> list[str]:
    return lines(text, lambda sign: advance(sign, language) * size * POINT / 1000, longest)


def _lines(sheet: Sheet) -> Iterator[Line]:
    """Everything below the facts, in its order."""
    for number, text in enumerate(_broken(sheet.amendment, TEXT, sheet.language) if sheet.amendment else []):
        yield Line(text, colour=ACCENT, goes_on=number > 0)
    for paragraph in sheet.body.split("\n"):
        is_heading = paragraph.strip() in sheet.headings
        for part, text in enumerate(_broken(paragraph, HEADING if is_heading else TEXT, sheet.language)):
            heading = Line(text, HEADING, ACCENT, before=2.5, stays=True)
            yield heading if is_heading else Line(text, goes_on=part > 0)
    for number, signature in enumerate(sheet.signatures):
        for part, text in enumerate(_broken(signature, TEXT, sheet.language)):
            yield Line(text, before=0 if number else 6, goes_on=part > 0)
    for note in _notes(sheet):
        for number, text in enumerate(_broken(note, SMALL, sheet.language)):
            yield Line(text, SMALL, SOFT, before=0 if number else 3, goes_on=number > 0)


def _notes(sheet: Sheet) -> Iterator[str]:
    if missing := missing_from(sheet.text, sheet.language):
        yield "□ = " + ", ".join(f"U+{ord(sign):04X}" for sign in missing)
    yield f"SHA-256: {sheet.text_sha256}"


def _paged(all_lines: list[Line], head: float) -> Iterator[list[Line]]:
    """What fits on each page; the last keeps room for where it is checked."""
    page: list[Line] = []
    top = MARGIN + head
    bottom = PAGE[1] - FOOT - QR
    for number, line in enumerate(all_lines):
        needed = line.height + (all_lines[number + 1].height if line.stays and number + 1 < len(all_lines) else 0)
        before = line.before if page else 0
        if page and top + before + needed > bottom:
            yield page
            page, top, before = [], MARGIN, 0
        page.append(line)
        top += before + line.height
    yield page


def _set(file: Any, page: list[Line], top: float, language: str) -> None:
    for paragraph in _paragraphs(page):
        with _tagged(file, "H2" if paragraph[0].stays else "P"):
            for line in paragraph:
                top += (0 if line is page[0] else line.before) + line.height
                _write(file, line.text, MARGIN, top - line.height * 0.3, line.size, line.colour, language)


def _paragraphs(page: list[Line]) -> Iterator[list[Line]]:
    """A paragraph that goes on from the page before is one more here."""
    found: list[Line] = []
    for line in page:
        if found and not line.goes_on:
            yield found
            found = []
        found.append(line)
    if found:
        yield found


@contextmanager
def _tagged(file: Any, kind: str, alt_text: str | None = None) -> Iterator[None]:
    """What is set within is one element of the structure: `H1`, `H2`, `P`, or a `Figure` with its `alt_text`."""
    number = file.struct_builder.next_mcid_for_page(file.page)
    file._add_marked_content(struct_type=f"/{kind}", mcid=number, alt_text=alt_text)
    file._out(f"/{kind} <</MCID {number}>> BDC")
    yield
    file._out("EMC")


@contextmanager
def _decoration(file: Any) -> Iterator[None]:
    """What is set within is nothing to read: rules, and what each page repeats."""
    file._out("/Artifact BMC")
    yield
    file._out("EMC")


def _write(file: Any, text: str, x: float, y: float, size: float, colour: tuple[int, int, int], language: str) -> None:
    """One line with its left end and its foot there, in mm."""
    file.set_text_color(*colour)
    for face, run in runs(text, language):
        if face not in file.fonts:  # the larger one takes as long to read as all the rest, and many reports need none
            file.add_font(face, fname=FILES[face])
        file.set_font(face, size=size)
        file.text(x, y, run)
        x += width(run, size * POINT, language)


# -- Head and foot ----------------------------------------------------------------------------------------------------


def _facts(sheet: Sheet) -> list[tuple[str, str]]:
    """(name, value) a line; a long value goes on without a name."""
    longest = COLUMN - FACTS - (FILM + 6 if sheet.film else 0)
    return [
        ("" if number else name, part)
        for name, value in sheet.facts
        for number, part in enumerate(_broken(value, TEXT, sheet.language, longest))
    ]


def _head_height(sheet: Sheet) -> float:
    facts = len(_facts(sheet)) * TEXT * POINT * LEADING
    return 24 + max(facts, FILM + 8 if sheet.film else 0) + 6


def _head(file: Any, sheet: Sheet) -> float:
    """Returns where the text begins."""
    language = sheet.language
    with _tagged(file, "P"):
        _write(file, sheet.clinic, MARGIN, MARGIN + 2, TEXT, SOFT, language)
    with _tagged(file, "H1"):
        _write(file, sheet.title, MARGIN, MARGIN + 12, TITLE, INK, language)
    if sheet.version:
        right = PAGE[0] - MARGIN - width(sheet.version, TEXT * POINT, language)
        with _tagged(file, "P"):
            _write(file, sheet.version, right, MARGIN + 12, TEXT, ACCENT, language)
    with _decoration(file):
        file.set_draw_color(*ACCENT)
        file.set_line_width(0.4)
        file.line(MARGIN, MARGIN + 16, PAGE[0] - MARGIN, MARGIN + 16)
    top = MARGIN + 24.0
    for name, value in _facts(sheet):
        with _tagged(file, "P"):
            _write(file, name, MARGIN, top, TEXT, SOFT, language)
            _write(file, value, MARGIN + FACTS, top, TEXT, INK, language)
        top += TEXT * POINT * LEADING
    if sheet.film:
        _film(file, sheet)
    return MARGIN + _head_height(sheet)


def _film(file: Any, sheet: Sheet) -> None:
    from PIL import Image

    with Image.open(BytesIO(sheet.film or b""), formats=["JPEG", "PNG"]) as picture:
        grey = picture.convert("L")
    scale = FILM / max(grey.size)
    wide, high = grey.width * scale, grey.height * scale
    left, top = PAGE[0] - MARGIN - wide, MARGIN + 20
    with _tagged(file, "Figure", sheet.film_words):
        file.image(grey, left, top, wide, high)
    with _decoration(file):  # the same words
        for number, text in enumerate(_broken(sheet.film_words, CAPTION, sheet.language, FILM), start=1):
            _write(file, text, PAGE[0] - MARGIN - FILM, top + high + number * 3.2, CAPTION, SOFT, sheet.language)


def _foot(file: Any, sheet: Sheet, number: int, of: int) -> None:
    language, bottom = sheet.language, PAGE[1] - 12
    page = f"{number} / {of}"
    with _decoration(file):
        _write(file, page, PAGE[0] - MARGIN - width(page, SMALL * POINT, language), bottom, SMALL, SOFT, language)
        _write(file, f"{sheet.clinic} · {sheet.title}", MARGIN, bottom, SMALL, SOFT, language)
    if sheet.draft_words:
        with _tagged(file, "P"):
            _write(file, sheet.draft_words, MARGIN, MARGIN - 8, HEADING, RED, language)
    elif number == of:
        _check(file, sheet)


def _check(file: Any, sheet: Sheet) -> None:
    """Where it is checked: the address as a QR code, and beside it in words."""
    left, top = MARGIN, PAGE[1] - FOOT - QR + 6
    with _decoration(file):
        _code(file, sheet, left, top)
    right, room, language = left + QR + 2, COLUMN - QR - 2, sheet.language
    beside = [part for said in (sheet.check_words, sheet.check_url) for part in _broken(said, SMALL, language, room)]
    with _tagged(file, "P"):
        for number, text in enumerate(beside):
            _write(file, text, right, top + 4 + number * SMALL * POINT * LEADING, SMALL, SOFT, language)


def _code(file: Any, sheet: Sheet, left: float, top: float) -> None:
    """As rectangles: sharp at any size."""
    code = segno.make(f"{sheet.check_url}?sha256={sheet.text_sha256}", error="m", micro=False)
    matrix = list(code.matrix)
    side = QR / (len(matrix) + QUIET)
    file.set_fill_color(0, 0, 0)
    for row, bits in enumerate(matrix):
        column = 0
        while column < len(bits):
            length = next((n for n, bit in enumerate(bits[column:]) if not bit), len(bits) - column)
            if length:
                file.rect(left + column * side, top + row * side, length * side, side, style="F")
            column += max(length, 1)


def sha256_of(file: bytes) -> str:
    return hashlib.sha256(file).hexdigest()
