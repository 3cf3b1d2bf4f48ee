"""Tables out and in, for the tests of what imports do."""

import csv
import io
from collections.abc import Sequence

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.exporting import stream_csv, write_xlsx
from backoffice.exchange.importing import Outcome, run_import
from backoffice.exchange.reading import read_table


def take_in(resource: type[ExchangeResource], *rows: Sequence, by=None, dry_run=False, **kwargs) -> Outcome:
    """Import rows, the columns' names first, from a CSV file."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    table = read_table(io.BytesIO(text.getvalue().encode()), "table.csv")
    return run_import(resource(), table, by=by, dry_run=dry_run, **kwargs)


def as_csv(resource: type[ExchangeResource], queryset, language: str | None = None) -> bytes:
    return b"".join(stream_csv(resource(), queryset, "table", language))


def as_xlsx(resource: type[ExchangeResource], queryset, language: str | None = None) -> bytes:
    with write_xlsx(resource(), queryset, language) as file:
        return file.read()


def take_back(resource: type[ExchangeResource], content: bytes, name: str, by=None) -> Outcome:
    return run_import(resource(), read_table(io.BytesIO(content), name), by=by, dry_run=False)


def problems(outcome: Outcome) -> list[tuple[int, str, str]]:
    """(line, column, value) of what is wrong."""
    return [(error.line, error.column, error.value) for error in outcome.errors]
