"""XLSX files: the first sheet, one row at a time."""

import datetime
import zipfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

import openpyxl
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.utils import get_column_letter

from backoffice.exchange.outcome import shortened
from backoffice.exchange.table import MAX_COLUMNS, Table, UnreadableFileError
from backoffice.exchange.xlsx_text import LONGEST_CELL, from_xlsx

# A small file can unpack to gigabytes. The sizes that it declares bind: no more than that is unpacked.
LARGEST_UNPACKED = 512 * 1024**2
LARGEST_TEXTS = 96 * 1024**2  # the table of shared texts, the one part that is held in memory
MOST_PARTS = 2000

# Some programs write a tick as a formula.
BOOLEANS = {"=TRUE": "yes", "=TRUE()": "yes", "=FALSE": "no", "=FALSE()": "no"}

DAMAGED = (zipfile.BadZipFile, KeyError, ValueError, TypeError, IndexError, AttributeError, OSError, ParseError)
"""What openpyxl raises for what is no workbook, or a broken one."""


class XlsxTable(Table):
    """The first sheet. Days are read as 2026-11-23, 1.0 as 1; a cell that holds a formula is refused."""

    def __init__(self, file: BinaryIO, name: str):
        super().__init__(name)
        refuse_bombs(file)
        try:
            file.seek(0)
            workbook = openpyxl.load_workbook(file, read_only=True, keep_links=False)
            self._sheet = workbook.worksheets[0]
        except DAMAGED as error:
            raise damaged() from error
        if others := len(workbook.sheetnames) - 1:
            self.notes.append(
                ngettext(
                    "Only the first sheet, “%(sheet)s”, is read; %(others)d other is not.",
                    "Only the first sheet, “%(sheet)s”, is read; %(others)d others are not.",
                    others,
                )
                % {"sheet": self._sheet.title, "others": others}
            )
        rows = self._sheet.max_row
        self._sheet.reset_dimensions()  # what a file says of its own size may be wrong, and would cut it off
        self.read_headers()
        self.count = rows and max(0, rows - self.header_line)

    def records(self) -> Iterator[tuple[int, list[str]]]:
        try:
            for line, cells in enumerate(self._sheet.iter_rows(max_col=MAX_COLUMNS + 1), start=1):
                values = [self._text(cell, line, number) for number, cell in enumerate(cells)]
                if any(values):
                    # A sheet keeps no cells at the end of a row that are empty.
                    yield line, values + [""] * (len(self.headers) - len(values))
        except DAMAGED as error:
            raise damaged() from error

    def nothing_in_it(self) -> str:
        if not self.notes:
            return super().nothing_in_it()
        return _(
            "The first sheet, “%(sheet)s”, is empty, and no other is read. Move the table's sheet to the front."
        ) % {"sheet": self._sheet.title}

    def _text(self, cell: ReadOnlyCell, line: int, number: int) -> str:
        value = cell.value
        if value is None:
            return ""
        if cell.data_type == "f" and value in BOOLEANS:
            return BOOLEANS[value]
        if cell.data_type in ("f", "e"):
            raise self._refusal(
                _("Cell %(cell)s holds a formula or an error."),
                _("Select everything, copy it, paste it as values, and save the file again."),
                str(value) if isinstance(value, str) else "=…",
                line,
                number,
            )
        if isinstance(value, str):
            return self._checked(value, line, number)
        if number < len(self.headers) and isinstance(value, int | float) and not isinstance(value, bool):
            self.number_columns.add(self.headers[number])
        return canonical(value)

    def _checked(self, value: str, line: int, number: int) -> str:
        if len(value) > LONGEST_CELL:
            problem = _("Cell %(cell)s has too many characters.")
            remedy = _("Shorten it to %(most)d.") % {"most": LONGEST_CELL}
            raise self._refusal(problem, remedy, value, line, number)
        text = from_xlsx(value)
        if "\0" in text:
            problem = _("Cell %(cell)s holds a NUL character, which no text has.")
            raise self._refusal(problem, _("Type it anew."), text.replace("\0", "␀"), line, number)
        return text

    def _refusal(self, problem: str, remedy: str, value: str, line: int, number: int) -> UnreadableFileError:
        cell = {"cell": f"{get_column_letter(number + 1)}{line}"}
        return UnreadableFileError(
            problem % cell, remedy, line=line, column=self.column(number), value=shortened(value)
        )


def damaged() -> UnreadableFileError:
    return UnreadableFileError(
        _("The file cannot be read as an Excel workbook: it is damaged, or is something else."),
        _("Open it in your spreadsheet and save it as XLSX, or as “CSV UTF-8”."),
    )


def refuse_bombs(file: BinaryIO) -> None:
    """Raises UnreadableFileError where unpacking it would take more than a table can need."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except DAMAGED as error:
        raise damaged() from error
    texts = sum(part.file_size for part in parts if part.filename.lower().endswith("sharedstrings.xml"))
    if too_large(parts) or texts > LARGEST_TEXTS:
        raise UnreadableFileError(
            _("The workbook is too large once it is unpacked. Save it as “CSV UTF-8”, or split it into several files.")
        )


def too_large(parts: Sequence[zipfile.ZipInfo]) -> bool:
    return len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED


def canonical(value) -> str:
    """A number, day or time as one would type it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime.datetime):
        is_day = value.time() == datetime.time(0)
        return value.date().isoformat() if is_day else value.isoformat(" ", timespec="seconds")
    if isinstance(value, datetime.time):
        return value.isoformat(timespec="minutes")
    return str(value)
