"""The names in a file's first line, and the columns that they mean."""

from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches

from django.utils.translation import gettext as _

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.outcome import Outcome
from backoffice.exchange.table import Table
from backoffice.formats.lists import listed

SIMILAR = 0.6


def match_columns(resource: ExchangeResource, table: Table, outcome: Outcome) -> dict[str, str]:
    """The file's names to the resource's columns, found by name or title. What is wrong goes to the outcome."""
    known = known_names(resource)
    if not any(folded(header) in known or similar(header, known) for header in table.headers):
        refuse_all(table, known, outcome)
        return {}

    def refuse(column: str, problem: str, remedy: str) -> None:
        outcome.add_error(table.header_line, column, column, problem, remedy)

    names: dict[str, str] = {}
    for header in table.headers:
        name = known.get(folded(header))
        if name is None:
            problem = _("No column is named “%(name)s” here.") % {"name": header}
            refuse(header, problem, nearest(header, known))
        elif name in names.values():
            refuse(header, _("Two columns mean “%(name)s”.") % {"name": name}, _("Keep one of them."))
        else:
            names[header] = name
    for name in resource.key_columns(names.values()):
        if name not in names.values():
            problem = _("There is no column “%(name)s”, and without it no record can be found.") % {"name": name}
            refuse(name, problem, _("Add it, and fill it in on every line."))
    return names


def known_names(resource: ExchangeResource) -> dict[str, str]:
    """What a column may be called: by its title where no other has the same, and before all by its name."""
    columns = resource.columns()
    titles = Counter(folded(column.title) for column in columns)
    known = {folded(column.title): column.name for column in columns if titles[folded(column.title)] == 1}
    return known | {folded(column.name): column.name for column in columns}


def refuse_all(table: Table, known: Mapping[str, str], outcome: Outcome) -> None:
    """One error for them all: it is another table's file, or the line that names the columns is missing."""
    outcome.add_error(
        table.header_line,
        table.headers[0],
        listed(table.headers),
        _("This line must name the columns, and none of these names is known here."),
        _("Is this the right file? The columns are named %(names)s.") % {"names": names_of(known)},
    )


def nearest(header: str, known: Mapping[str, str]) -> str:
    """What to do about a name that is not known."""
    if name := similar(header, known):
        return _("Did you mean “%(name)s”? Otherwise take the column out.") % {"name": name}
    return _("Take it out, or give it one of these names: %(names)s.") % {"names": names_of(known)}


def similar(header: str, known: Mapping[str, str]) -> str | None:
    close = get_close_matches(folded(header), known, n=1, cutoff=SIMILAR)
    return known[close[0]] if close else None


def names_of(known: Mapping[str, str]) -> str:
    return listed(dict.fromkeys(known.values()))


def folded(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())
