"""The small files around an import: an empty table to fill in, and the errors of a full one."""

from collections.abc import Iterable, Sequence

from django.http import FileResponse, StreamingHttpResponse
from django.utils.translation import gettext as _

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.exporting import csv_file, workbook
from backoffice.exchange.outcome import RowError
from backoffice.web.media import send_private

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def xlsx_file(rows: Iterable[Sequence], download_as: str) -> FileResponse:
    return send_private(workbook(rows), content_type=XLSX, download_as=download_as)


SUFFIXES_OF_TEMPLATES = {"xlsx": xlsx_file, "csv": csv_file}


def template_file(resource: ExchangeResource, suffix: str, *, name: str) -> StreamingHttpResponse:
    """The columns' names alone: a line of examples that somebody forgot would be taken in."""
    return SUFFIXES_OF_TEMPLATES[suffix](resource.sample()[:1], f"{name}-template.{suffix}")


def problems_file(errors: Iterable[RowError], *, name: str) -> StreamingHttpResponse:
    titles = [_("Line"), _("Column"), _("Value"), _("What is wrong"), _("What to do")]
    lines = ([error.line, error.column, error.value, error.problem, error.remedy] for error in errors)
    return csv_file([titles, *lines], f"{name}-problems.csv")
