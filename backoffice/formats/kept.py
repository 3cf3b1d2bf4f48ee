"""Sentences that are kept in the database: who reads them may speak another language than who caused them.

A column with room, JSON or a long text, keeps a `Sentence` in each of the site's languages (`kept`, `kept_in_text`). A
short one, such as the reason of a change, keeps English: plain (`gettext_noop`), or by a `Pattern` where something is
filled in, which is recognised when it is read. `told` tells any of these in the language of this moment. What somebody
has typed is none of ours, and stays as it is.
"""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, ClassVar, Self, TypeVar

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise

T = TypeVar("T")

PLACEHOLDER = re.compile(r"%\((\w+)\)([sd])")
FILLED_IN = {"s": ".*?", "d": r"\d+"}


# -- In each language -------------------------------------------------------------------------------------------------


class Sentence(str):
    """A text in the language of who caused it; `str()` tells it in that of the moment, also with what is filled in."""

    _tell: Callable[[], str]

    def __new__(cls, tell: Callable[[], str]) -> Self:
        sentence = super().__new__(cls, tell())
        sentence._tell = tell
        return sentence

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "Sentence":
        """One that is known in each language."""
        return cls(lambda: texts.get(translation.get_language() or "", next(iter(texts.values()))))

    @classmethod
    def now(cls, tell: Callable[[], object]) -> "Sentence":
        """What is told at this moment, in each language: for what may be told otherwise later."""
        return cls.of(in_each_language(lambda: str(tell())))

    def __str__(self) -> str:
        return self._tell()

    def __mod__(self, said: Any) -> "Sentence":
        # What is filled in may be a sentence itself, or a lazy text.
        return Sentence(lambda: self._tell() % _shown(said))

    def __deepcopy__(self, memo: dict) -> "Sentence":
        return self

    def __reduce__(self) -> tuple:
        return str, (str(self),)


def _shown(said: Any) -> Any:
    if isinstance(said, Mapping):
        return {name: _shown(value) for name, value in said.items()}
    if isinstance(said, tuple):
        return tuple(map(_shown, said))
    return str(said) if isinstance(said, Sentence | Promise) else said


def gettext(message: str) -> Sentence:
    return Sentence(lambda: translation.gettext(message))


def ngettext(singular: str, plural: str, number: int) -> Sentence:
    return Sentence(lambda: translation.ngettext(singular, plural, number))


def in_each_language(tell: Callable[[], T]) -> dict[str, T]:
    texts: dict[str, T] = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            texts[language] = tell()
    return texts


def kept(value: Any) -> Any:
    """The value as JSON keeps it, each sentence in it in every language."""
    if isinstance(value, Sentence | Promise):
        texts = in_each_language(value.__str__)
        return texts if len(set(texts.values())) > 1 else next(iter(texts.values()))
    if isinstance(value, Mapping):
        return {name: kept(part) for name, part in value.items()}
    return [kept(part) for part in value] if isinstance(value, list | tuple) else value


def kept_in_text(sentence: str) -> str:
    """The same for a column of text."""
    texts = kept(sentence)
    return texts if isinstance(texts, str) else json.dumps(texts, ensure_ascii=False)


def sentences_in(value: Any) -> Any:
    """What `kept` made of it, with its sentences again."""
    if isinstance(value, dict):
        if value and value.keys() <= dict(settings.LANGUAGES).keys():
            return Sentence.of(value)
        return {name: sentences_in(part) for name, part in value.items()}
    return [sentences_in(part) for part in value] if isinstance(value, list) else value


# -- In English -------------------------------------------------------------------------------------------------------


class Pattern:
    """A sentence with something filled in, kept in English: `MERGED = Pattern(gettext_noop("Merged: %(reason)s"), …)`.

    `words` name what of it is the software's own, and how that is told; the rest is told as it was filled in.
    """

    known: ClassVar[list["Pattern"]] = []

    def __init__(self, message: str, **words: Callable[[str], str]) -> None:
        self.message, self.words = message, words
        self.known.append(self)
        # The one that says most: “Merged: …” before a mere “…: …”.
        self.known.sort(key=lambda pattern: len(PLACEHOLDER.sub("", pattern.message)), reverse=True)

    def __call__(self, longest: int | None = None, **said: object) -> str:
        """The sentence as it is kept. What makes it longer than its column is the longest text in it: that is cut."""
        text = self.message % said
        if longest and len(text) > longest:
            name = max(said, key=lambda name: len(str(said[name])))
            whole = str(said[name])
            said[name] = whole[: max(0, len(whole) - (len(text) - longest) - 1)] + "…"
            text = (self.message % said)[:longest]
        return text

    def told(self, text: str) -> str | None:
        """The text in the language of this moment; None where it is another sentence."""
        for shape in self._shapes:
            if match := shape.fullmatch(text):
                said = {name: self.words.get(name, str)(value) for name, value in match.groupdict().items()}
                return PLACEHOLDER.sub(r"%(\1)s", translation.gettext(self.message)) % said
        return None

    @cached_property
    def _shapes(self) -> list[re.Pattern]:
        """How it looks in each language: before sentences were kept in English, they were in their writer's."""
        return list(map(_shape, dict.fromkeys(in_each_language(lambda: translation.gettext(self.message)).values())))


def _shape(message: str) -> re.Pattern:
    first, *others = [re.escape(literal.replace("%%", "%")) for literal in PLACEHOLDER.split(message)[::3]]
    filled = [
        f"(?P<{name}>{FILLED_IN[kind]}){literal}"
        for (name, kind), literal in zip(PLACEHOLDER.findall(message), others, strict=True)
    ]
    return re.compile("".join([first, *filled]), re.DOTALL)


# -- Both -------------------------------------------------------------------------------------------------------------


def told(value: Any) -> str:
    """What is kept, as who reads now is told it."""
    if isinstance(value, dict):
        return str(sentences_in(value))
    text = str(value or "")
    if text.startswith('{"'):
        with suppress(ValueError, AttributeError):
            if isinstance(sentence := sentences_in(json.loads(text)), Sentence):
                return str(sentence)
    return _told_of_english(text)


def _told_of_english(text: str) -> str:
    if not text:
        return ""
    plain = translation.gettext(text)
    if plain != text:
        return plain
    for pattern in Pattern.known:
        if (found := pattern.told(text)) is not None:
            return found
    return text
