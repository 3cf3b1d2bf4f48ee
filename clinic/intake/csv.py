"""The intake table as a CSV file that opens in Excel, one line at a time."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from backoffice.exchange.formulas import formula_safe
from clinic.intake.table import Column, Rows

BYTE_ORDER_MARK = "\ufeff"  # without it, Excel takes UTF-8 for the system's own encoding and garbles Chinese
LINES = 500  # sent at once


def response(columns: Sequence[Column], rows: Rows, now: datetime) -> StreamingHttpResponse:
    """The file, streamed: memory does not grow with the rows. Its name carries the local date and time `now`."""
    file = StreamingHttpResponse(lines(columns, rows), content_type="text/csv; charset=utf-8")
    file["Content-Disposition"] = content_disposition_header(True, f"intake-{now:%Y-%m-%d-%H%M}.csv")
    return file


def lines(columns: Sequence[Column], rows: Rows) -> Iterator[str]:
    """The titles, then the rows, some hundred lines at a time. Numbers stay plain numbers, days are ISO 8601."""
    buffer = io.StringIO()
    buffer.write(BYTE_ORDER_MARK)
    writer = csv.writer(buffer)
    writer.writerow([formula_safe(str(column.title)) for column in columns])
    values = ([formula_safe(column.value(row)) for column in columns] for row in rows)
    while True:
        writer.writerows(islice(values, LINES))
        if not buffer.tell():
            return
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
