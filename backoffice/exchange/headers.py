"""The names in a file's first line, and the columns that they mean."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from itertools import islice

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.column_names import folded, known, told_in_each_language
from backoffice.exchange.outcome import Outcome
from backoffice.exchange.table import Table
from backoffice.formats.kept import gettext as _
from backoffice.formats.lists import listed

SIMILAR = 0.6
FIRST_LINES = 5
IN_BRACKETS = re.compile(r"\s*[(（][^()（）]*[)）]\s*$")


def match_columns(resource: ExchangeResource, table: Table, outcome: Outcome) -> dict[str, str]:
    """The file's names to the stable names of the resource's columns. What is wrong goes to the outcome."""
    fields = resource.columns_of_files()
    meant, names = known(fields), told_in_each_language(fields)
    if not any(meaning(header, meant) for header in table.headers):
        if line := line_of_names(table, meant):
            refuse_title(table, line, outcome)
            return {}
        if not any(similar(header, meant) for header in table.headers):
            refuse_all(table, names, outcome)
            return {}

    def refuse(column: str, problem: str, remedy: str) -> None:
        outcome.add_error(table.header_line, column, column, problem, remedy)

    headers: dict[str, str] = {}  # by the stable name that each means
    for header in table.headers:
        match meaning(header, meant):
            case []:
                problem = _("No column is named “%(name)s” here.") % {"name": header}
                refuse(header, problem, nearest(header, meant, names))
            case [name] if name in headers:
                both = {"first": headers[name], "second": header, "name": names[name]}
                refuse(header, _("“%(first)s” and “%(second)s” both mean “%(name)s”.") % both, _("Keep one of them."))
            case [name]:
                headers[name] = header
            case several:
                problem = _("“%(name)s” may mean several columns here.") % {"name": header}
                remedy = _("Name it as the one that is meant: %(names)s.") % {"names": listed(several)}
                refuse(header, problem, remedy)
    for name in resource.key_columns(headers):
        if name not in headers:
            problem = _("There is no column “%(name)s”, and without it no record can be found.") % {"name": names[name]}
            refuse(names[name], problem, _("Add it, and fill it in on every line."))
    return {header: name for name, header in headers.items()}


def meaning(header: str, meant: Mapping[str, list[str]]) -> list[str]:
    """The columns that a name may mean, also where something is said of it in brackets, as in 生日（西元）."""
    return meant.get(folded(header)) or meant.get(folded(IN_BRACKETS.sub("", header)), [])


def line_of_names(table: Table, meant: Mapping[str, list[str]]) -> int | None:
    """Of the lines below the first, that which names columns: then a title stands above them."""
    for line, values in islice(table, FIRST_LINES):
        if any(meaning(text, meant) for text in values.values()):
            return line
    return None


def refuse_title(table: Table, line: int, outcome: Outcome) -> None:
    outcome.add_error(
        table.header_line,
        table.headers[0],
        listed(table.headers),
        _("The columns are named in line %(line)d, and this stands above it.") % {"line": line},
        _("Take out what is above line %(line)d.") % {"line": line},
    )


def refuse_all(table: Table, names: Mapping[str, str], outcome: Outcome) -> None:
    """One error for them all: it is another table's file, or the line that names the columns is missing."""
    outcome.add_error(
        table.header_line,
        table.headers[0],
        listed(table.headers),
        _("This line must name the columns, and none of these names is known here."),
        _("Is this the right file? The columns are named %(names)s.") % {"names": listed(names.values())},
    )


def nearest(header: str, meant: Mapping[str, list[str]], names: Mapping[str, str]) -> str:
    """What to do about a name that is not known."""
    if name := similar(header, meant):
        return _("Did you mean “%(name)s”? Otherwise take the column out.") % {"name": names[name]}
    return _("Take it out, or give it one of these names: %(names)s.") % {"names": listed(names.values())}


def similar(header: str, meant: Mapping[str, list[str]]) -> str | None:
    close = get_close_matches(folded(header), meant, n=1, cutoff=SIMILAR)
    return meant[close[0]][0] if close else None
