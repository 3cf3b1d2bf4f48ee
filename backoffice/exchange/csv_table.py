"""CSV files, as the programs of this world write them."""

import codecs
import csv
import io
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import IO

from django.utils.formats import number_format

from backoffice.exchange.table import LONGEST_ROW, Table, UnreadableFileError, row_too_long
from backoffice.formats.kept import gettext as _

BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
SEPARATORS = ",;\t|"
LONGEST_CELL = 131_072  # characters; csv's own limit, so that one forgotten quote does not read the rest as one cell
BLOCK = 65_536
SHOWN = 30  # characters of a cell that cannot be read
LINE_END = re.compile(r"[\r\n]")
QUOTED = re.compile('"[^"]*"')
SAYS_SO = re.compile(f'"?sep=([{SEPARATORS}])"?[{SEPARATORS}]*(?=[\r\n])', re.IGNORECASE)


class CsvTable(Table):
    """A CSV file, whatever separates its cells and ends its lines: UTF-8, or UTF-16 with its mark.

    It is read once from end to end before anything is made of it: what cannot be read is known at once.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        super().__init__(name)
        self._file = file
        self._encoding = encoding_of(file)
        refuse_other_encodings(file, self._encoding)
        with self._text() as text:
            self._separator, self._says_so = separator_of(text)
        self.read_headers()
        self.count = sum(1 for _record in self.records()) - 1

    def records(self) -> Generator[tuple[int, list[str]], None, None]:
        with self._text() as text:
            lines = BoundedLines(text)
            reader = csv.reader(lines, delimiter=self._separator, skipinitialspace=True, strict=True)
            line = lines_of_text = 0
            try:
                for cells in reader:
                    lines.begin_a_row()
                    line, lines_of_text = line + 1, reader.line_num
                    if any(map(str.strip, cells)) and not (line == 1 and self._says_so):
                        yield line, cells
            except OverflowError as error:
                raise row_too_long(line + 1) from error
            except csv.Error as error:
                raise self._unreadable(error, line + 1, lines_of_text) from error

    def _unreadable(self, error: csv.Error, line: int, lines_before: int) -> UnreadableFileError:
        with self._text() as text:
            for _line in islice(text, lines_before):
                pass
            number, value = faulty_cell(text.read(2 * LONGEST_CELL), self._separator, LONGEST_CELL)
        return UnreadableFileError(*what_is_wrong(error), line=line, column=self.column(number), value=value)

    @contextmanager
    def _text(self) -> Iterator[io.TextIOWrapper]:
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, encoding=self._encoding, newline="")
        try:
            yield text
        finally:
            text.detach()  # the file is its owner's to close


class BoundedLines:
    """Lines of text for csv to make rows of, none much longer than LONGEST_ROW: a file that is one line would be in
    memory several times over. Raises OverflowError once csv has looked whether it is one cell that is too long."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self._left = text, LONGEST_ROW

    def begin_a_row(self) -> None:
        self._refuse_what_was_cut()
        self._left = LONGEST_ROW

    def __iter__(self) -> "BoundedLines":
        return self

    def __next__(self) -> str:
        self._refuse_what_was_cut()
        line = self._text.readline(self._left + 1)
        if not line:
            raise StopIteration
        self._left -= len(line)
        return line

    def _refuse_what_was_cut(self) -> None:
        if self._left < 0:
            raise OverflowError


def encoding_of(file: IO[bytes]) -> str:
    file.seek(0)
    start = file.read(3)
    return next((name for mark, name in BYTE_ORDER_MARKS.items() if start.startswith(mark)), "utf-8")


def refuse_other_encodings(file: IO[bytes], encoding: str) -> None:
    """Raises UnreadableFileError where a byte is not this encoding's, or a character no text has."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    is_last = False
    try:
        while not is_last:
            block = file.read(BLOCK)
            is_last = not block
            text = decoder.decode(block, is_last)
            if "\0" in text:
                before, _nul, after = text.partition("\0")
                raise UnreadableFileError(
                    _("A NUL character stands here, which no text has. Is this really a CSV file?"),
                    _("Save it anew from your spreadsheet, as “CSV UTF-8”."),
                    line=line + lines_in(before),
                    value=around(before, "␀", after),
                )
            line += lines_in(text)
    except UnicodeDecodeError as error:
        if encoding == "utf-16":
            raise UnreadableFileError(
                _("The file says that it is UTF-16 text and is not."), _("Save it anew as “CSV UTF-8” or XLSX.")
            ) from error
        before, after = (
            part.decode(encoding, "ignore") for part in (error.object[: error.start], error.object[error.end :])
        )
        raise UnreadableFileError(
            _("The file is not UTF-8 text."),
            _("In your spreadsheet, choose “Save as” and “CSV UTF-8”, or save it as XLSX."),
            line=line + lines_in(before),
            value=around(before, "�", after),
        ) from error


def around(before: str, sign: str, after: str) -> str:
    """What stands on the same line on both sides of a sign that cannot be read."""
    return f"{LINE_END.split(before[-SHOWN:])[-1]}{sign}{LINE_END.split(after[:SHOWN])[0]}"


def lines_in(text: str) -> int:
    return max(text.count("\n"), text.count("\r"))


def separator_of(text: io.TextIOWrapper) -> tuple[str, bool]:
    """What stands most often in the first line that is not empty, outside of quotation marks; and whether that line
    says so for Excel, and nothing else."""
    start = text.read(BLOCK)
    if said := SAYS_SO.match(start):
        return said[1], True
    first = (QUOTED.sub("", start).lstrip("\r\n ").splitlines() or [""])[0]
    return max(SEPARATORS, key=first.count), False


def what_is_wrong(error: csv.Error) -> tuple[str, str]:
    """The problem, and the remedy."""
    if "field limit" in str(error):
        return (
            _("This cell has more than %(most)s characters.")
            % {"most": number_format(LONGEST_CELL, force_grouping=True)},
            _("Is a quotation mark missing that closes a text? Otherwise shorten the cell."),
        )
    return (
        _("A quotation mark opens a text and is not closed, or stands within one."),
        _("Write a quotation mark within a text twice, or save the file anew from your spreadsheet."),
    )


def faulty_cell(row: str, separator: str, longest: int) -> tuple[int, str]:
    """Which cell of a row's text is too long, or not written as cells are; and how it begins."""
    other = rf"[^{re.escape(separator)}\r\n]"
    cell = re.compile(rf'"[^"]*(?:""[^"]*)*"(?!{other})|(?!"){other}*|')  # matches anything, and be it nothing
    number = start = 0
    while (end := _end_of(cell, row, start)) - start <= longest and row[end : end + 1] == separator:
        number, start = number + 1, end + 1
    beginning = row[start : start + SHOWN]
    return number, beginning.splitlines()[0] + "…" if beginning else ""


def _end_of(cell: re.Pattern[str], row: str, start: int) -> int:
    found = cell.match(row, start)
    return found.end() if found else start
