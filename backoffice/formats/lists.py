"""Several words, names or sentences told as one, with the signs of the language they are told in."""

import re
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import pgettext

from backoffice.formats.kept import Sentence
from backoffice.formats.kept import gettext as _

FULL_WIDTH_END = re.compile("(?<=[。！？：；，]) ")  # these signs bring the blank behind them


def listed(words: Iterable) -> str:
    """`a, b` in English, `a、b` in Chinese."""
    words = list(words)
    return Sentence(lambda: pgettext("between the words of a list", ", ").join(map(str, words)))


def listed_apart(parts: Iterable) -> str:
    """As `listed`, for parts that may hold commas themselves: `a, b; c`."""
    parts = list(parts)
    return Sentence(lambda: pgettext("between the parts of a list that hold commas", "; ").join(map(str, parts)))


def in_turn(sentences: Iterable) -> Sentence:
    """Whole sentences, one after the other; what is empty is none."""
    sentences = list(sentences)
    return Sentence(lambda: FULL_WIDTH_END.sub("", " ".join(filter(None, map(str, sentences)))))


def told_by(error: ValidationError) -> Sentence:
    """What is wrong, in turn."""
    return Sentence(lambda: in_turn(error.messages))


def told_of(name: object, what: object) -> str:
    """`name: what`."""
    told = {"name": name, "what": what}
    return Sentence(lambda: pgettext("a name, and what is said of it", "%(name)s: %(what)s")) % told


def quoted(name: object) -> str:
    return pgettext("a name within a sentence", "“%(name)s”") % {"name": name}


def counted(kinds: Iterable[tuple[int, str]]) -> str:
    """`[(2, "appointments"), (1, "X-ray")]` → `2 appointments, 1 X-ray`; the names are in the right number already."""
    return listed(_("%(n)d %(things)s") % {"n": n, "things": things} for n, things in kinds)
