"""The small files around an import: an empty table to fill in, and the errors of a full one."""

import io
from collections.abc import Iterable, Sequence

from django.http import FileResponse
from django.utils.translation import gettext as _
from openpyxl import Workbook

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.exporting import csv_lines
from backoffice.exchange.formulas import formula_safe
from backoffice.exchange.outcome import RowError
from backoffice.web.media import send_private

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"


def csv_file(rows: Iterable[Sequence], download_as: str) -> FileResponse:
    return send_private(io.BytesIO("".join(csv_lines(rows)).encode()), content_type=CSV, download_as=download_as)


def xlsx_file(rows: Iterable[Sequence], download_as: str) -> FileResponse:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet()
    for row in rows:
        sheet.append([formula_safe(value) for value in row])
    file = io.BytesIO()
    workbook.save(file)
    file.seek(0)
    return send_private(file, content_type=XLSX, download_as=download_as)


SUFFIXES_OF_TEMPLATES = {"xlsx": xlsx_file, "csv": csv_file}


def template_file(resource: ExchangeResource, suffix: str, *, name: str) -> FileResponse:
    """The columns' names alone: a line of examples that somebody forgot would be taken in."""
    return SUFFIXES_OF_TEMPLATES[suffix](resource.sample()[:1], f"{name}-template.{suffix}")


def problems_file(errors: Iterable[RowError], *, name: str) -> FileResponse:
    titles = [_("Line"), _("Column"), _("Value"), _("What is wrong"), _("What to do")]
    lines = ([error.line, error.column, error.value, error.problem, error.remedy] for error in errors)
    return csv_file([titles, *lines], f"{name}-problems.csv")
