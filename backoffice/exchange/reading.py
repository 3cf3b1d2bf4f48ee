"""Files into tables: CSV or XLSX, row by row, in constant memory."""

from pathlib import PurePath
from typing import BinaryIO

from django.utils.translation import gettext as _

from backoffice.exchange.csv_table import CsvTable
from backoffice.exchange.table import BEYOND, Table, UnreadableFileError
from backoffice.exchange.xlsx_table import XlsxTable

__all__ = ["BEYOND", "SUFFIXES", "Table", "UnreadableFileError", "read_table"]

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def read_table(file: BinaryIO, name: str) -> Table:
    """The table in a seekable file, which stays open while it is read and is its owner's to close.

    What the file holds decides, not how it is called. Raises UnreadableFileError.
    """
    if PurePath(name).suffix.lower() not in SUFFIXES:
        raise UnreadableFileError(
            _("“%(name)s” is neither CSV nor XLSX. Save the table as XLSX or “CSV UTF-8”.") % {"name": name}
        )
    file.seek(0)
    start = file.read(4)
    if start == ZIP:
        return XlsxTable(file, name)
    if start == OLE:
        raise UnreadableFileError(
            _("This is an Excel file of the old kind, or one with a password. Save it as XLSX without a password.")
        )
    return CsvTable(file, name)
