"""Files into tables: CSV or XLSX, row by row, in constant memory."""

import re
from pathlib import PurePath
from typing import IO

from backoffice.exchange.csv_table import CsvTable
from backoffice.exchange.table import BEYOND, Table, UnreadableFileError
from backoffice.exchange.xlsx_table import XlsxTable
from backoffice.formats.kept import gettext as _

__all__ = ["BEYOND", "SUFFIXES", "Table", "UnreadableFileError", "read_table"]

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
ZIP, OLE, PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF-"
WEB_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|\?xml|table|meta)", re.IGNORECASE)
LOCKED = "EncryptedPackage".encode("utf-16-le")  # what the container calls a workbook with a password
LONGEST_START, BLOCK = 64, 1 << 20


def read_table(file: IO[bytes], name: str) -> Table:
    """The table in a seekable file, which stays open while it is read and is its owner's to close.

    What the file holds decides, not how it is called. Raises UnreadableFileError.
    """
    if PurePath(name).suffix.lower() not in SUFFIXES:
        raise UnreadableFileError(
            _("“%(name)s” is neither CSV nor XLSX. Save the table as XLSX or “CSV UTF-8”.") % {"name": name}
        )
    file.seek(0)
    start = file.read(LONGEST_START)
    if start.startswith(ZIP):
        return XlsxTable(file, name)
    if start.startswith(OLE):
        raise UnreadableFileError(of_the_old_kind(file))
    if WEB_PAGE.match(start):
        raise UnreadableFileError(
            _("This is a web page or XML under a table's name. Open it in your spreadsheet and save it as XLSX.")
        )
    if start.startswith(PDF):
        raise UnreadableFileError(_("This is a PDF. Ask for the table itself, as XLSX or “CSV UTF-8”."))
    return CsvTable(file, name)


def of_the_old_kind(file: IO[bytes]) -> str:
    """What to do about a file in Microsoft's old container, in which workbooks with a password are kept too."""
    file.seek(0)
    with_what_was_before = b""
    while block := file.read(BLOCK):
        if LOCKED in with_what_was_before + block:
            return _(
                "This workbook has a password. Open it, take the password off where you save the file, and save it as "
                "XLSX."
            )
        with_what_was_before = block[-len(LOCKED) :]
    return _("This is an Excel file of the old kind. Open it in your spreadsheet and save it as XLSX.")
