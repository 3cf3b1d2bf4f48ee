"""The names in a file's first line, and the columns that they mean."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from django.utils.translation import gettext as _

from backoffice.exchange.outcome import Outcome
from backoffice.exchange.resources import ExchangeResource

SIMILAR = 0.6
LINE = 1


def match_columns(resource: ExchangeResource, headers: Sequence[str], outcome: Outcome) -> dict[str, str]:
    """The file's names to the resource's columns, found by name or title. What is wrong goes to the outcome."""
    known: dict[str, str] = {}
    for column in resource.columns():
        known |= {folded(column.name): column.name, folded(column.title): column.name}
    names: dict[str, str] = {}
    for header in headers:
        name = known.get(folded(header))
        if name is None:
            problem = _("No column is named “%(name)s” here.") % {"name": header}
            refuse(outcome, header, problem, nearest(header, known))
        elif name in names.values():
            refuse(outcome, header, _("Two columns mean “%(name)s”.") % {"name": name}, _("Keep one of them."))
        else:
            names[header] = name
    for name in resource.key_columns(names.values()):
        if name not in names.values():
            problem = _("There is no column “%(name)s”, and without it no record can be found.") % {"name": name}
            refuse(outcome, name, problem, _("Add it, and fill it in on every line."))
    return names


def nearest(header: str, known: Mapping[str, str]) -> str:
    """What to do about a name that is not known."""
    if similar := get_close_matches(folded(header), known, n=1, cutoff=SIMILAR):
        return _("Did you mean “%(name)s”? Otherwise take the column out.") % {"name": known[similar[0]]}
    names = ", ".join(dict.fromkeys(known.values()))
    return _("Take it out, or give it one of these names: %(names)s.") % {"names": names}


def refuse(outcome: Outcome, column: str, problem: str, remedy: str) -> None:
    outcome.add_error(LINE, column, column, problem, remedy)


def folded(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())
