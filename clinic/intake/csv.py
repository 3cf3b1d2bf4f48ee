"""The intake table as a CSV file that opens in Excel, one line at a time."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from backoffice.exchange.exporting import csv_lines
from clinic.intake.table import Column, Rows


def response(columns: Sequence[Column], rows: Rows, now: datetime) -> StreamingHttpResponse:
    """The file, streamed: memory does not grow with the rows. Its name carries the local date and time `now`."""
    file = StreamingHttpResponse(lines(columns, rows), content_type="text/csv; charset=utf-8")
    file["Content-Disposition"] = content_disposition_header(True, f"intake-{now:%Y-%m-%d-%H%M}.csv")
    return file


def lines(columns: Sequence[Column], rows: Rows) -> Iterator[str]:
    """The titles, then the rows, some hundred lines at a time. Numbers stay plain numbers, days are ISO 8601."""
    titles = [str(column.title) for column in columns]
    values = ([column.value(row) for column in columns] for row in rows)
    return csv_lines(chain([titles], values))
