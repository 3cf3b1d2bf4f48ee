"""What a child does with an XLSX file (see `xlsx_table`, which asks): its first sheet that can be seen, row by row."""

import datetime
import json
import zipfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import IO
from xml.etree.ElementTree import ParseError

from openpyxl.utils import get_column_letter
from openpyxl.worksheet._reader import WorkSheetParser

from backoffice.exchange.outcome import shortened
from backoffice.exchange.table import LONGEST_ROW, MAX_COLUMNS, Table, UnreadableFileError, row_too_long
from backoffice.exchange.xlsx_parts import WALKED_TAGS, Allowance, CountedPart, Parts, Reader, for_a_sheet
from backoffice.exchange.xlsx_rows import rows_with_values
from backoffice.exchange.xlsx_text import LONGEST_CELL, from_xlsx
from backoffice.formats.kept import gettext as _
from backoffice.formats.kept import kept, ngettext
from backoffice.records.numbers import without_noise

BATCH = 1 << 16  # bytes of rows between two answers
VISIBLE = "visible"
STRICT, LONGEST_START = b"purl.oclc.org/ooxml", 4096
HALF_A_SECOND = datetime.timedelta(microseconds=500_000)

# Some programs write a tick as a formula.
BOOLEANS = {"=TRUE": "yes", "=TRUE()": "yes", "=FALSE": "no", "=FALSE()": "no"}

DAMAGED = (zipfile.BadZipFile, KeyError, ValueError, TypeError, IndexError, AttributeError, OSError, ParseError)
"""What openpyxl raises for what is no workbook, or a broken one."""


def about(source: IO[bytes]) -> Iterator[dict]:
    """Yield what the table says before its rows; or why it is none that can be read."""
    try:
        sheet = Sheet(source)
        yield {
            "headers": sheet.headers,
            "header_line": sheet.header_line,
            "notes": kept(sheet.notes),
            "count": sheet.count,
        }
    except UnreadableFileError as error:
        yield kept(vars(error))


def rows(source: IO[bytes], written: IO[bytes]) -> Iterator[dict]:
    """Write `[line, cells]` of every row, each on a line, the columns' names first. Yield how far they are written, and
    at last what keeps the others from being read, where something does."""
    said = 0
    try:
        sheet = Sheet(source)
        for record in sheet.records():
            written.write(json.dumps(record).encode() + b"\n")
            if written.tell() - said > BATCH:
                said = written.tell()
                yield {"end": said, **sheet.found()}
        yield {"end": written.tell(), **sheet.found()}
    except UnreadableFileError as error:
        if said < written.tell():
            yield {"end": written.tell(), **sheet.found()}
        yield kept(vars(error))


class Sheet(Table):
    """The first visible sheet. Days are read as 2026-11-23, 1.0 as 1; a cell that holds a formula is refused."""

    def __init__(self, file: IO[bytes], name: str = "") -> None:
        super().__init__(name)
        try:
            self._parts = Parts(file)
            if what := another_kind(self._parts):
                raise UnreadableFileError(what)
            reader = Reader(self._parts)
            reader.read()
            workbook = reader.wb
            sheets = [sheet for sheet in workbook.worksheets if sheet.sheet_state == VISIBLE]
        except DAMAGED as error:
            raise damaged() from error
        if not sheets:
            raise UnreadableFileError(_("Every sheet of the workbook is hidden. Show the one that holds the table."))
        self._sheet = sheets[0]
        if others := len(workbook.sheetnames) - 1:
            self.notes.append(
                ngettext(
                    "Only the first sheet that can be seen, “%(sheet)s”, is read; %(others)d other is not.",
                    "Only the first sheet that can be seen, “%(sheet)s”, is read; %(others)d others are not.",
                    others,
                )
                % {"sheet": shortened(self._sheet.title), "others": others}
            )
        self._filled = self._rows_with_values()
        self.read_headers()
        self.count = None if self._filled is None else max(0, self._filled - 1)

    def _rows_with_values(self) -> int | None:
        try:
            with self._source() as (source, allowance):
                allowance.tags = allowance.size  # counting them takes next to nothing
                return rows_with_values(source)
        except DAMAGED as error:
            raise damaged() from error

    def records(self) -> Generator[tuple[int, list[str]], None, None]:
        try:
            for line, cells in self._rows():
                values: dict[int, str] = {}
                for cell in cells:
                    number = min(cell["column"] - 1, MAX_COLUMNS)
                    if text := self._text(cell, line, number):
                        values[number] = text
                if values:
                    self._allowance.tags = WALKED_TAGS
                    if sum(map(len, values.values())) > LONGEST_ROW:
                        raise row_too_long(line)
                    # A sheet keeps no cells at the end of a row that are empty.
                    width = max(len(self.headers), max(values) + 1)
                    self.hidden_rows += self._is_hidden(line)
                    yield line, [values.get(number, "") for number in range(width)]
        except DAMAGED as error:
            raise damaged() from error

    def _rows(self) -> Iterator[tuple[int, list[dict]]]:
        """The rows that are there to the last value, by their numbers, each with its cells. openpyxl's own would fill
        in every row and every cell between, and a sheet may name its last row a million lines below the one before."""
        sheet, book = self._sheet, self._sheet.parent
        formats = {"date_formats": book._date_formats, "timedelta_formats": book._timedelta_formats}
        with self._source() as (source, allowance):
            parser = WorkSheetParser(source, sheet._shared_strings, data_only=False, epoch=book.epoch, **formats)
            self._allowance, self._rows_as_formatted = allowance, parser.row_dimensions
            yield from islice(parser.parse(), self._filled)

    def _is_hidden(self, line: int) -> bool:
        return self._rows_as_formatted.get(str(line), {}).get("hidden") in ("1", "true")

    def found(self) -> dict:
        """What was found in the rows so far."""
        return {"number_columns": sorted(self.number_columns), "hidden_rows": self.hidden_rows}

    @contextmanager
    def _source(self) -> Iterator[tuple[CountedPart, Allowance]]:
        """The sheet's XML, and what may be read of it."""
        with self._parts.allowing(for_a_sheet()) as allowance, self._sheet._get_source() as source:
            yield source, allowance

    def nothing_in_it(self) -> str:
        if not self.notes:
            return super().nothing_in_it()
        return _(
            "The first sheet, “%(sheet)s”, is empty, and no other is read. Move the table's sheet to the front."
        ) % {"sheet": shortened(self._sheet.title)}

    def _text(self, cell: Mapping, line: int, number: int) -> str:
        value, kind = cell["value"], cell["data_type"]
        if value is None:
            return ""
        if kind == "f" and value in BOOLEANS:
            return BOOLEANS[value]
        if kind == "e":
            problem = _("Cell %(cell)s holds an error in place of a value.")
            raise self._refusal(problem, _("Write the value that it should hold, or empty it."), value, line, number)
        if kind == "f":
            raise self._refusal(
                _("Cell %(cell)s holds a formula."),
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


def another_kind(archive: zipfile.ZipFile) -> str:
    """What the file is, where it is packed like a workbook and is none that can be read; empty for any other."""
    names = set(archive.namelist())
    if "mimetype" in names or any(name.endswith(".iwa") for name in names):
        return _("This is an OpenDocument or Numbers file. Save the table as XLSX or “CSV UTF-8”.")
    if "xl/workbook.bin" in names:
        return _("This is a binary workbook (XLSB). Save it as XLSX.")
    if any(name.startswith(("word/", "ppt/")) for name in names):
        return _("This is a text document or a presentation, and no workbook. Choose the table's file.")
    for name in names & {"xl/workbook.xml", "xl/worksheets/sheet1.xml"}:
        with archive.open(name) as part:
            if STRICT in part.read(LONGEST_START):
                return _("This workbook is saved as “Strict Open XML”. Save it as the ordinary “Excel workbook”, XLSX.")
    return ""


def canonical(value: object) -> str:
    """A number, day or time as one would type it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format(without_noise(value), "f")
    if isinstance(value, datetime.datetime):
        value = (value + HALF_A_SECOND).replace(microsecond=0)
        is_day = value.time() == datetime.time(0)
        return value.date().isoformat() if is_day else value.isoformat(" ", timespec="seconds")
    if isinstance(value, datetime.time):
        at = datetime.datetime.combine(datetime.date(2000, 1, 1), value) + HALF_A_SECOND
        return at.time().isoformat(timespec="minutes")
    return str(value)
