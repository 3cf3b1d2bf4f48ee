"""What became of an import, or would: for a person to read, and for the database to keep."""

from dataclasses import asdict, dataclass, field

from backoffice.formats.kept import Sentence, kept, sentences_in

ERRORS_KEPT = 1000
ROWS_PREVIEWED = 200
LONGEST_VALUE = 200  # characters of a cell that are shown again


def shortened(value: object) -> str:
    if isinstance(value, Sentence):
        return Sentence(lambda: shortened(str(value)))
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


@dataclass
class RowError:
    """One thing that is wrong. `line` counts as a spreadsheet does, and is 0 where the whole file is meant; `column` is
    empty where the whole line is."""

    line: int
    column: str
    value: str
    problem: str
    remedy: str


@dataclass
class PreviewRow:
    """A row that is new or changed; `cells` are (column, before, after), `record` is the name of what is on file."""

    line: int
    kind: str
    cells: list[tuple[str, str, str]]
    record: str = ""


@dataclass
class Outcome:
    """Counts of rows, the first of what is wrong, and the first of what changes."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    errors: list[RowError] = field(default_factory=list)
    error_count: int = 0
    preview: list[PreviewRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What to know of the table as a whole."""
    is_whole: bool = True
    """Whether the file could be read to its end and its rows can stand together: else none of it can be written."""
    written: bool = False
    """Whether anything is in the database now."""
    rows_digest: str = ""
    """What becomes of which line, and of what is on file: two runs of one file that agree in this do the same."""

    @property
    def read(self) -> int:
        return self.new + self.updated + self.unchanged + self.refused

    @property
    def good(self) -> int:
        """Rows that are, or would be, written."""
        return self.new + self.updated

    def add_error(self, line: int, column: str, value: object, problem: str, remedy: str) -> None:
        self.error_count += 1
        if len(self.errors) < ERRORS_KEPT:
            self.errors.append(RowError(line, column, shortened(value), problem, remedy))

    def add_preview(self, line: int, kind: str, cells: list[tuple], record: str) -> None:
        if len(self.preview) < ROWS_PREVIEWED:
            shown = [(column, shortened(before), shortened(after)) for column, before, after in cells]
            self.preview.append(PreviewRow(line, kind, shown, shortened(record)))

    def as_json(self) -> dict:
        """What it tells people is in it in each language, and read in that of who reads."""
        return kept(asdict(self))

    @classmethod
    def from_json(cls, data: dict) -> "Outcome":
        data = sentences_in(data)
        return cls(
            **data
            | {
                "errors": [RowError(**error) for error in data["errors"]],
                "preview": [
                    PreviewRow(**row | {"cells": [tuple(cell) for cell in row["cells"]]}) for row in data["preview"]
                ],
            }
        )
