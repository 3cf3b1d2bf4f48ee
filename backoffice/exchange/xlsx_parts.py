"""A workbook's parts, none of which unpacks to more than it may, whatever it is called and whatever it says of itself.

openpyxl makes objects of every element of a part, but for the sheets, which are read row by row: a tag of four bytes
becomes half a kilobyte. So what is counted is what is unpacked, and the tags in it.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Literal, Self

from django.conf import settings
from openpyxl.reader.excel import ExcelReader
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from backoffice.exchange.table import UnreadableFileError
from backoffice.formats.kept import gettext as _

BLOCK = 1 << 16
MOST_PARTS = 2000

TEXT_ITEM, PLAIN = f"{{{SHEET_MAIN_NS}}}si", f"{{{SHEET_MAIN_NS}}}t"
RUN = f"{{{SHEET_MAIN_NS}}}r/{PLAIN}"

MEGABYTE = 1024**2
WHOLE_BYTES, WHOLE_TAGS = (
    32 * MEGABYTE,
    300_000,
)  # styles, names and all else together; Excel has 65,000 formats at most
# The table of shared texts: one that holds many is a large part, and one that is small and holds many is none.
TEXT_BYTES, FEW_TEXT_TAGS, MOST_TEXT_TAGS = 96 * MEGABYTE, 2_000_000, 10_000_000
TEXT_TAGS_PER_BYTE = 2
WALKED_TAGS = 2_000_000  # from one row that holds something to the next


@dataclass
class Allowance:
    """What may still be read."""

    size: int
    tags: int

    def take(self, block: bytes) -> None:
        self.size -= len(block)
        self.tags -= block.count(b"<")
        if self.size < 0 or self.tags < 0:
            raise too_large()


class Parts(zipfile.ZipFile):
    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        if len(self.infolist()) > MOST_PARTS or sum(part.file_size for part in self.infolist()) > most_unpacked():
            raise too_large()
        self.allowance = Allowance(WHOLE_BYTES, WHOLE_TAGS)

    def open(  # type: ignore[override]  # what its readers ask of a file
        self,
        name: str | zipfile.ZipInfo,
        mode: Literal["r", "w"] = "r",
        pwd: bytes | None = None,
        *,
        force_zip64: bool = False,
    ) -> "CountedPart":
        return CountedPart(super().open(name, mode, pwd, force_zip64=force_zip64), self.allowance)

    @contextmanager
    def allowing(self, allowance: Allowance) -> Iterator[Allowance]:
        """What is opened meanwhile counts for itself, and not among the parts that are read whole."""
        before, self.allowance = self.allowance, allowance
        try:
            yield allowance
        finally:
            self.allowance = before


class CountedPart:
    """A part that stops unpacking once its allowance is spent."""

    def __init__(self, source: IO[bytes], allowance: Allowance) -> None:
        self._source, self._allowance = source, allowance

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(BLOCK), b""))
        block = self._source.read(size)
        self._allowance.take(block)
        return block

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class Reader(ExcelReader):
    """openpyxl's, for reading row by row, from counted parts."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts.fp, read_only=True, keep_links=False)
        self.archive = parts

    def read_strings(self) -> None:
        if (table := self.package.find(SHARED_STRINGS)) is not None:
            with self.archive.allowing(for_texts(self.archive)), self.archive.open(table.PartName[1:]) as part:
                self.shared_strings = shared_texts(part)

    def read_worksheets(self) -> None:
        for sheet, relation in self.parser.find_sheets():
            if relation.target not in self.valid_files:
                continue
            if "chartsheet" in relation.Type:
                continue
            worksheet = UnmeasuredWorksheet(self.wb, sheet.name, relation.target, self.shared_strings)
            worksheet.sheet_state = sheet.state
            self.wb._sheets.append(worksheet)


class UnmeasuredWorksheet(ReadOnlyWorksheet):
    """One whose size is not looked for: where the sheet does not say it first, that takes reading all of it."""

    def _get_size(self) -> None:
        pass


def shared_texts(part: CountedPart) -> list[str]:
    """As openpyxl reads them, without its objects for each: the plain text or the runs, and nothing of how it is
    pronounced."""
    texts = []
    elements = iterparse(part, events=("start", "end"))
    _start, table = next(elements)
    for event, element in elements:
        if event == "end" and element.tag == TEXT_ITEM:
            texts.append("".join(run.text or "" for run in (*element.iterfind(PLAIN), *element.iterfind(RUN))))
            table.clear()  # of all before it, too
    return texts


def for_texts(archive: zipfile.ZipFile) -> Allowance:
    return Allowance(TEXT_BYTES, min(MOST_TEXT_TAGS, FEW_TEXT_TAGS + TEXT_TAGS_PER_BYTE * archive.start_dir))


def for_a_sheet() -> Allowance:
    return Allowance(most_unpacked(), WALKED_TAGS)


def most_unpacked() -> int:
    return settings.XLSX_MAX_UNPACKED


def too_large() -> UnreadableFileError:
    return UnreadableFileError(
        _("The workbook is too large once it is unpacked. Save it as “CSV UTF-8”, or split it into several files.")
    )
