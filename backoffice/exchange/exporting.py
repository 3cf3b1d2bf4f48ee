"""Tables out of the database, any number of rows in constant memory."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import IO

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.column_names import called
from backoffice.exchange.formulas import formula_safe
from backoffice.exchange.xlsx_text import LONGEST_CELL, to_xlsx

BYTE_ORDER_MARK = "\ufeff"  # without it, Excel takes UTF-8 for the system's own encoding and garbles Chinese
LINES = 500  # sent at once
CHUNK = 2000  # rows read at once
MOST_ROWS = 1_048_575  # of an XLSX sheet, beside the columns' names


class TooLargeError(Exception):
    """`str()` of it tells a person why the table does not fit the format, and what to do."""


def dated(name: str, suffix: str) -> str:
    """`patients` → `patients-2026-11-23-0930.csv`, by the clinic's clock."""
    return f"{name}-{timezone.localtime():%Y-%m-%d-%H%M}.{suffix}"


def stream_csv(
    resource: ExchangeResource, queryset: QuerySet, filename: str, language: str | None = None
) -> StreamingHttpResponse:
    """A table's rows as CSV. The file's name is `filename` with day and time; for `language` see `rows_of`."""
    return csv_file(rows_of(resource, queryset, language), dated(filename, "csv"))


def csv_file(rows: Iterable[Sequence], download_as: str) -> StreamingHttpResponse:
    """Titles and rows as CSV that opens in Excel, sent as they are read."""
    response = StreamingHttpResponse(csv_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, download_as)
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def write_xlsx(resource: ExchangeResource, queryset: QuerySet, language: str | None = None) -> IO[bytes]:
    """A table's rows as a workbook; for `language` see `rows_of`. Raises TooLargeError."""
    return workbook(rows_of(resource, queryset, language))


def workbook(rows: Iterable[Sequence]) -> IO[bytes]:
    """Titles and rows as a workbook, in a temporary file that goes when it is closed. Raises TooLargeError."""
    book = Workbook(write_only=True)
    file = tempfile.TemporaryFile()  # noqa: SIM115  (whoever sends it closes it)
    try:
        fill(book.create_sheet("1"), rows)
    except TooLargeError:
        book.save(file)  # only so openpyxl removes what it has written elsewhere
        file.close()
        raise
    book.save(file)
    file.seek(0)
    return file


def fill(sheet: WriteOnlyWorksheet, rows: Iterable[Sequence]) -> None:
    for count, row in enumerate(rows):
        if count > MOST_ROWS:
            raise TooLargeError(
                _("XLSX holds at most %(rows)d rows, and this table has more. Choose CSV, or filter the list.")
                % {"rows": MOST_ROWS}
            )
        sheet.append([cell_of(formula_safe(value)) for value in row])


def rows_of(resource: ExchangeResource, queryset: QuerySet, language: str | None = None) -> Iterator[Sequence]:
    """The columns' names, then each record: texts as they are, numbers as numbers.

    Columns and choices are named in the `language`; with None by their stable names, which are English. An import reads
    them either way.
    """
    fields = resource.get_export_fields()
    names = called(fields, language)
    yield [names[field.column_name] for field in fields]
    for instance in resource.for_export(queryset).iterator(chunk_size=CHUNK):
        yield [field.export(instance, language=language) for field in fields]


def csv_lines(rows: Iterable[Sequence]) -> Iterator[str]:
    """A CSV file that opens in Excel and runs nothing there, as text of some hundred lines at a time."""
    buffer = io.StringIO()
    buffer.write(BYTE_ORDER_MARK)
    writer = csv.writer(buffer)
    safe = ([formula_safe(value) for value in row] for row in rows)
    while True:
        writer.writerows(islice(safe, LINES))
        if not buffer.tell():
            return
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def cell_of(value: object) -> object:
    """As a workbook can hold it. A text is cut by Excel where it is longer: better to say so."""
    if not isinstance(value, str):
        return value
    text = to_xlsx(value)
    if len(text) > LONGEST_CELL:
        raise TooLargeError(
            _("XLSX holds at most %(most)d characters in a cell, and a text here is longer. Choose CSV.")
            % {"most": LONGEST_CELL}
        )
    return text
