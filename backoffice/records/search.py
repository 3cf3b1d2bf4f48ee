"""Search that an index answers at a million rows. An admin says in `search` what is looked for and how:

search = {"full_name": Text(), "national_id": Exact(normalise=normalise_national_id)}

Text is found anywhere in a value: on PostgreSQL by its trigrams, on SQLite by reading a small table. In a large one
SQLite finds it where a value begins.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

from django.contrib.admin.utils import get_fields_from_path
from django.db import connection
from django.db.models import F, Model, Q, Value
from django.db.models.functions import Upper
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from backoffice.records.paging import LISTED
from backoffice.records.text import SAYS_NOTHING

LONGEST = 200  # characters that are looked for; nobody types more
MOST_WORDS = 8
TRIGRAM = 3  # characters: a shorter text has none inside, only at the ends of words
HIGHEST = "\U0010ffff"
WIDE = {character: character + 0xFEE0 for character in range(ord("!"), ord("~") + 1)} | {ord(" "): "\u3000"}


@dataclass(frozen=True)
class Exact:
    """The whole value and nothing less. What is not of its `shape` is not looked for here.

    What is of the shape of one that `stands_alone` is looked for there only: of two tables at once, no database asks
    an index.
    """

    shape: str = r".+"
    normalise: Callable[[str], str] = str
    stands_alone: bool = False

    def condition(self, column: "Column", text: str) -> Q | None:
        value = self.normalise(text)
        return Q(**{column.path: value}) if re.fullmatch(self.shape, value) else None


@dataclass(frozen=True)
class Text:
    """Text as people type it: upper or lower case, half or full width. The model has a SearchIndex for it."""

    shape: str = r".+"
    normalise: Callable[[str], str] = str
    stands_alone = False

    def condition(self, column: "Column", text: str) -> Q | None:
        if not re.fullmatch(self.shape, text):
            return None
        text = self.normalise(text)
        found = _found_within if column.is_read_anywhere() else _found_at_the_start
        return reduce(or_, (found(column.path, way) for way in {text, text.translate(WIDE)}))


@dataclass(frozen=True)
class Column:
    """Where the value stands: `path` leads there from the table that is listed."""

    listed: type[Model]
    path: str

    def is_read_anywhere(self) -> bool:
        if connection.vendor == "postgresql":
            return True
        table = get_fields_from_path(self.listed, self.path)[-1].model._base_manager
        return table.all()[: LISTED + 1].count() <= LISTED


Search = dict[str, Exact | Text]


def through(relation: str, search: Search) -> Search:
    """The same search, from the other end of a relation: visits are found by their patient."""
    return {f"{relation}__{path}": how for path, how in search.items()}


def matching(listed: type[Model], search: Search, typed: str) -> Q:
    """The condition for what somebody typed; nothing matches what no column could hold."""
    text = tidy(typed)
    if not text:
        return Q(pk__in=[])
    found = [(how, how.condition(Column(listed, path), text)) for path, how in search.items()]
    conditions = [condition for how, condition in found if condition and how.stands_alone]
    return reduce(or_, conditions or [condition for _how, condition in found if condition], Q(pk__in=[]))


def tidy(typed: str) -> str:
    """Half width, single blanks, nothing that no keyboard has, and no more than anybody types."""
    plain = unicodedata.normalize("NFKC", SAYS_NOTHING.sub("", typed[:LONGEST]))
    return " ".join("".join(c if c.isprintable() else " " for c in plain).split())


def _found_within(path: str, text: str) -> Q:
    """Every word, in any order."""
    return reduce(and_, (_word_within(path, word) for word in text.split()[:MOST_WORDS]))


def _word_within(path: str, word: str) -> Q:
    if len(word) >= TRIGRAM:
        return Q(**{f"{path}__icontains": word})
    begins = Q(**{f"{path}__istartswith": word}) | Q(**{f"{path}__icontains": f" {word}"})
    # A given name of two characters stands at the end. One character at the end would read the whole index.
    return begins if len(word) == 1 else begins | Q(**{f"{path}__iendswith": word})


def _found_at_the_start(path: str, text: str) -> Q:
    """As a range: SQLite's LIKE would not use an index on UPPER(…)."""
    column = Upper(F(path))
    first, beyond = Upper(Value(text)), Upper(Value(text + HIGHEST))
    return Q(GreaterThanOrEqual(column, first)) & Q(LessThan(column, beyond))
