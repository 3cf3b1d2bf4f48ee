"""A table as it lies in a file: its columns' names, and its rows, one at a time."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing

from django.utils.formats import number_format

from backoffice.exchange.formulas import without_apostrophe
from backoffice.formats.kept import Sentence
from backoffice.formats.kept import gettext as _
from backoffice.formats.lists import in_turn

MAX_COLUMNS = 200
MAX_ROWS = 200_000
LONGEST_ROW = 200_000  # characters, of all its cells
BEYOND = ""  # cells to the right of the last named column; no column is named so


class UnreadableFileError(Exception):
    """What is wrong with the file, and what to do; and at which line, in which column, at which value, where it is one
    place. `str()` of it tells a person all of that."""

    def __init__(self, problem: str, remedy: str = "", *, line: int = 0, column: str = "", value: str = "") -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy
        self.line, self.column, self.value = line, column, value

    def __str__(self) -> str:
        return str(self.told)

    @property
    def told(self) -> Sentence:
        told = in_turn([self.problem, self.remedy])
        if not self.line:
            return told
        where = {"line": self.line, "column": self.column, "value": self.value, "what": told}
        if not self.column:
            return _("Line %(line)d, at “%(value)s”: %(what)s") % where
        return _("Line %(line)d, column “%(column)s”, value “%(value)s”: %(what)s") % where


class Table(ABC):
    """Iterating yields `(line, {column: text})`; `line` counts as a spreadsheet does, and empty rows are left out.

    A row that is too short lacks columns; what stands beyond the last column is under BEYOND. Iterating reads the file
    anew each time, and may raise UnreadableFileError.
    """

    name: str
    """The file's, as its owner calls it."""
    headers: list[str]
    header_line: int = 1
    """Where the columns' names stand: empty lines may come before."""
    count: int | None = None
    """How many rows there are, about: for showing progress. None where only reading them would tell."""
    notes: list[str]
    """What its owner should know of the file as a whole."""
    number_columns: set[str]
    """Columns in which a cell held a number and not a text, as far as they have been read."""
    hidden_rows: int = 0
    """Rows that a filter or their owner hides, of those that have been read."""

    def __init__(self, name: str) -> None:
        self.name, self.headers, self.notes, self.number_columns = name, [], [], set()

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        with closing(self.records()) as rows:
            next(rows)  # the columns' names
            for read, (line, cells) in enumerate(rows, start=1):
                if read > MAX_ROWS:
                    raise UnreadableFileError(
                        _("The file has more than %(rows)s rows.")
                        % {"rows": number_format(MAX_ROWS, force_grouping=True)},
                        _("Split it, and import one part after the other."),
                    )
                yield line, self._by_column(cells)

    @abstractmethod
    def records(self) -> Generator[tuple[int, list[str]], None, None]:
        """(line, cells) of every row that is not empty, the columns' names first."""

    def _by_column(self, cells: list[str]) -> dict[str, str]:
        values = dict(zip(self.headers, cells, strict=False))
        beyond = "".join(cells[len(self.headers) :])
        return values | {BEYOND: beyond} if beyond else values

    def read_headers(self) -> None:
        with closing(self.records()) as rows:
            line, cells = next(rows, (0, []))
        if not cells:
            raise UnreadableFileError(self.nothing_in_it())
        self.header_line = line
        self.headers = checked([without_apostrophe(" ".join(cell.split())) for cell in cells], line)

    def column(self, number: int) -> str:
        """The name of the column of that number, counted from 0; beyond those that have one, the number."""
        return self.headers[number] if number < len(self.headers) else str(number + 1)

    def nothing_in_it(self) -> str:
        return _("The file is empty. Its first line must name the columns; each line below it is a record.")


def row_too_long(line: int) -> UnreadableFileError:
    return UnreadableFileError(
        _("Line %(line)d has more than %(most)s characters in all its cells.")
        % {"line": line, "most": number_format(LONGEST_ROW, force_grouping=True)},
        _("Is a quotation mark or an end of line missing? Otherwise shorten its texts."),
    )


def checked(headers: list[str], line: int) -> list[str]:
    """Column names that can be told apart. Raises UnreadableFileError."""
    while headers and not headers[-1]:
        headers = headers[:-1]
    if len(headers) > MAX_COLUMNS:
        raise UnreadableFileError(
            _("The file has %(count)d columns, and at most %(most)d are read. Is this the right file?")
            % {"count": len(headers), "most": MAX_COLUMNS}
        )
    if "" in headers:
        raise UnreadableFileError(
            _("Line %(line)d must name every column, and column %(number)d has no name. Name it, or take it out.")
            % {"line": line, "number": headers.index("") + 1}
        )
    name, times = Counter(headers).most_common(1)[0]
    if times > 1:
        raise UnreadableFileError(
            _("%(times)d columns are named “%(name)s”. Keep one of them, or name them differently.")
            % {"times": times, "name": name}
        )
    return headers
