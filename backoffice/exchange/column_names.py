"""What columns are called in files: by their stable names, by their titles in each of the site's languages, and by
other words in use. Whoever reads a file knows them all, whatever language its owner or its reader speaks."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from django.conf import settings

from backoffice.exchange.cells import readers_language
from backoffice.exchange.columns import ExchangeField
from backoffice.formats.kept import Sentence, in_each_language
from backoffice.records.text import plain_figures

_also_called: dict[str, Collection[str]] = {}


def also_called(words: Mapping[str, Collection[str]]) -> None:
    """Words that mean a column of this name, such as 生日, in whichever table, where no other is called so."""
    _also_called.update(words)


def folded(name: str) -> str:
    """As names are compared: full or half width, upper or lower case, blank or underscore, with or without a colon, and
    without what nobody sees."""
    return " ".join(plain_figures(name).replace("_", " ").rstrip(": *").casefold().split())


def called(fields: Collection[ExchangeField], language: str | None) -> dict[str, str]:
    """Stable names to what the columns are called in a language, no two alike; None calls them by their stable names.

    A title that another column shares, or has for its name, is none.
    """
    titles = {field.column_name: field.called(language) for field in fields}
    times = Counter(map(folded, titles.values()))
    names = {folded(name): name for name in titles}
    return {
        name: title if times[folded(title)] == 1 and names.get(folded(title), name) == name else name
        for name, title in titles.items()
    }


def told(fields: Collection[ExchangeField]) -> dict[str, str]:
    """Stable names to what a page calls the columns: in English these names, else the titles."""
    return called(fields, readers_language())


def told_in_each_language(fields: Collection[ExchangeField]) -> dict[str, str]:
    """The same, by what is kept and may be read by somebody else."""
    names = in_each_language(lambda: told(fields))
    return {
        field.column_name: Sentence.of({language: its[field.column_name] for language, its in names.items()})
        for field in fields
    }


def known(fields: Iterable[ExchangeField]) -> dict[str, list[str]]:
    """All that columns may be called, folded, to the stable names of those that it may mean: mostly one.

    A stable name means its own column, and before other words come the titles in any language.
    """
    fields = list(fields)
    found = {folded(field.column_name): [field.column_name] for field in fields}
    for words in (_titles(fields), _words(fields)):
        found = words | found
    return found


def _titles(fields: Collection[ExchangeField]) -> dict[str, list[str]]:
    titles: dict[str, list[str]] = defaultdict(list)
    for language, _name in settings.LANGUAGES:
        for name, title in called(fields, language).items():
            if name not in titles[folded(title)]:
                titles[folded(title)].append(name)
    return dict(titles)


def _words(fields: Collection[ExchangeField]) -> dict[str, list[str]]:
    words: dict[str, list[str]] = defaultdict(list)
    for field in fields:
        for word in _also_called.get(field.column_name, ()):
            words[folded(word)].append(field.column_name)
    return dict(words)
