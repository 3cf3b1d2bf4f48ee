"""XLSX files as tables. A child reads them, as `xlsx_sheet` says (see backoffice/files/); here are its answers."""

import json
import os
import tempfile
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import IO

from django.conf import settings

from backoffice.exchange.table import Table, UnreadableFileError
from backoffice.files import apart
from backoffice.formats.kept import Sentence, sentences_in
from backoffice.formats.kept import gettext as _

KIND = "table"
MEGABYTE = 1_000_000


class XlsxTable(Table):
    """The first sheet that can be seen. Each reading of its rows is a child's, which goes ahead in a file of its own:
    whoever takes long over the rows keeps nobody waiting for a place."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        super().__init__(name)
        self._file = file
        with closing(self._answers("about")) as answers:
            about = next(answers)
        self.headers, self.header_line = about["headers"], about["header_line"]
        self.notes, self.count = sentences_in(about["notes"]), about["count"]

    def records(self) -> Generator[tuple[int, list[str]], None, None]:
        with tempfile.TemporaryFile(buffering=0) as rows, closing(self._answers("rows", into=[rows])) as answers:
            start = 0
            for answer in answers:
                self.number_columns.update(answer["number_columns"])
                self.hidden_rows = answer["hidden_rows"]
                # The child's position in the file is this side's, too.
                block = os.pread(rows.fileno(), answer["end"] - start, start)
                start = answer["end"]
                for row in block.splitlines():
                    line, cells = json.loads(row)
                    yield line, cells

    def _answers(self, what: str, into: Sequence[IO[bytes]] = ()) -> Generator[dict, None, None]:
        task = f"backoffice.exchange.xlsx_sheet:{what}"
        try:
            with closing(apart.values(task, self._file, kind=KIND, into=into, seconds=self._seconds())) as answers:
                for answer in answers:
                    if "problem" in answer:
                        raise UnreadableFileError(**sentences_in(answer))
                    yield answer
        except apart.Undone as undone:
            remedy = _("Save it as “CSV UTF-8”, or split it into several files.") if undone.is_the_files_own else ""
            raise UnreadableFileError(Sentence(undone.__str__), remedy) from undone

    def _seconds(self) -> int:
        """A large table takes long, and is a large file: one that is small and takes long is none."""
        return settings.FILE_SECONDS * (1 + self._file.seek(0, os.SEEK_END) // MEGABYTE)
