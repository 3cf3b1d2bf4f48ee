"""What a page says, and what of it is in a language that its reader did not ask for."""

import functools
import re
from html.parser import HTMLParser

SHOWN = {"alt", "title", "placeholder", "aria-label", "aria-description", "label", "data-label", "data-lost"}
WORDS_ON_BUTTONS = {"submit", "button", "reset"}
# A word, but no part of an address, a path, a code, a name in capitals or the end of what is masked.
ENGLISH = re.compile(r"(?<![\w.@/<•-])[A-Za-z][a-z’']{2,}(?![\w.@/-])")
CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+")

PARTS = {"section", "article"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

BLOCKS = {"p", "div", "li", "td", "th", "dd", "dt", "h1", "h2", "h3", "option", "button", "label", "title", "br", "tr"}
BLOCKS |= {"section", "span", "ul", "ol", "dl", "table", "form", "input", "select", "header", "main", "legend", "img"}
AFTER_A_SIGN = re.compile(r"[^\s]*[，。：；！？、][ \n]+[\u3400-\u9fff「（“]+")


class Words(HTMLParser):
    """What a page shows or reads out, as a list of `texts`; not what it marks as code or as another language's.

    `running` is the same with "\\0" at the edges of blocks alone: what stands in one block runs on there.
    """

    def __init__(self, html: str):
        super().__init__()
        self.texts: list[str] = []
        self.running: list[str] = []
        self.is_code = False
        self.is_of_another_language = False
        self.deep = 0  # within a part that says its own language, such as a report's text: so many elements
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        told = self._told(tag, dict(attrs))
        self.texts += told
        if told or tag in BLOCKS:
            self.running += ["\0", "\0".join(told), "\0"]

    def _told(self, tag, attrs) -> list[str]:
        if tag not in VOID and (self.deep or ("lang" in attrs and tag in PARTS)):
            self.deep += 1
        if self.deep:
            return []
        self.is_code = tag in ("script", "style", "code")
        self.is_of_another_language = tag == "button" and "lang" in attrs
        shown = SHOWN | ({"value"} if attrs.get("type") in WORDS_ON_BUTTONS else set())
        return [attrs[name] for name in shown & set(attrs) if attrs[name]]

    def handle_endtag(self, tag):
        self.deep -= bool(self.deep) and tag not in VOID
        self.is_code = self.is_of_another_language = False
        if tag in BLOCKS:
            self.running.append("\0")

    def handle_data(self, data):
        if not self.deep and not self.is_code and not self.is_of_another_language:
            self.texts.append(data)
            self.running.append(data)


@functools.lru_cache(maxsize=1)  # a page is asked more than one thing
def words_of(html: str) -> Words:
    return Words(html)


def blanks_after_signs(html: str) -> set[str]:
    """Full-width signs bring their blank: where another follows, two sentences were put together as in English."""
    return set(AFTER_A_SIGN.findall("".join(words_of(html).running)))


def said(html: str, language: re.Pattern, names: set[str]) -> set[str]:
    """What the page says in this language, but for these names."""
    shown = "\n".join(words_of(html).texts)
    for name in names:
        if " " in name:
            shown = shown.replace(name, "")
    return set(language.findall(shown)) - names
