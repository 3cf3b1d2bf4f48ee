"""Finds words that people read and that go past gettext: in templates, in Python, in JavaScript.

In templates: text and the attributes that are read out or shown. In Python: what is given to a place that shows it
(a label, a help text, a message, an error, a title). In JavaScript: any text with a space between words.
A translation within a formatted string is found too: what renews the catalogues does not look there.
Exceptions are named below, each with why. Prints what it finds, and exits with 1 where it finds anything.
"""

import ast
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import django
from django.conf import settings
from django.template.base import Lexer, TokenType

ROOT = Path(__file__).resolve().parent.parent
APPS = ("backoffice", "clinic", "imaging", "inference")
WORD = re.compile(r"[A-Za-z]{2,}")
SHOWN_ATTRIBUTES = {"alt", "title", "placeholder", "aria-label", "aria-description", "data-label", "data-lost"}
NOT_SHOWN = re.compile(r"blocktranslate|comment|block \w*class")  # what the page's body is called is no text
NOT_TEXT = {"script", "style", "kbd"}  # kbd: what is printed on a key

# Python: keywords and calls whose text people read.
SHOWN_KEYWORDS = {"help_text", "label", "verbose_name", "verbose_name_plural", "short_description", "description"}
SHOWN_KEYWORDS |= {"empty_label", "error_messages", "violation_error_message", "title", "empty_value_display"}
SHOWN_CALLS = {"ValidationError", "message_user", "success", "info", "warning", "error", "add_error"}
SHOWN_NAMES = {"verbose_name", "verbose_name_plural", "short_description", "help_text", "title"}

GETTEXT = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "npgettext"}

ALLOWED = {
    "SHA-256",  # a name, the same in each language
}


def _faults_in_template(path: Path) -> Iterator[tuple[int, str]]:
    """Text of a template outside {% translate %} and {% blocktranslate %}."""
    shown, inside = [], ""
    for token in Lexer(path.read_text()).tokenize():
        if token.token_type == TokenType.BLOCK:
            if NOT_SHOWN.match(token.contents):
                inside = token.contents.split()[0]
            elif token.contents.split()[0] == f"end{inside}":
                inside = ""
            shown.append((token.lineno, " "))
        elif token.token_type == TokenType.TEXT and not inside:
            shown.append((token.lineno, token.contents))
        else:
            shown.append((token.lineno, "\n" * token.contents.count("\n")))
    reader = _ShownText()
    reader.feed("".join(text for _line, text in shown))
    yield from reader.found
    if path.suffix == ".html":
        yield from _put_together_as_in_english(path)


# A translated sentence, and behind a blank, perhaps a tag and a condition, another text.
IN_TURN = re.compile(
    r"[.!?:][\"'’”]?(?: %\}|\{% endblocktranslate %\})(?:\{% [^%]*%\})*?\s+"
    r"(?:\{% (?:end)?(?:if|for)[^%]*%\}|<(?:a|strong|b|span|em)\b[^>]*>|\s)*"
    r"(?:\{\{|\{% (?:translate|blocktranslate))"
)
SENTENCES = re.compile(r"\{% sentences %\}.*?\{% endsentences %\}", re.DOTALL)


def _put_together_as_in_english(path: Path) -> Iterator[tuple[int, str]]:
    """Sentences with a blank between them, which Chinese does not write, outside {% sentences %}."""
    template = SENTENCES.sub(lambda match: "\n" * match[0].count("\n"), path.read_text())
    for match in IN_TURN.finditer(template):
        yield template[: match.start()].count("\n") + 1, " ".join(match[0].split())


class _ShownText(HTMLParser):
    """Collects (line, text) of what a page shows or reads out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self.within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in NOT_TEXT:
            self.within.append(tag)
        for name, value in attrs:
            if name in SHOWN_ATTRIBUTES and value:
                self._note(value)

    def handle_endtag(self, tag: str) -> None:
        if self.within and self.within[-1] == tag:
            self.within.pop()

    def handle_data(self, data: str) -> None:
        if not self.within:
            self._note(data)

    def _note(self, text: str) -> None:
        if WORD.search(text):
            self.found.append((self.getpos()[0], " ".join(text.split())))


def _literal(node: ast.expr | None) -> str:
    """The words of a plain or formatted string; "" where the node is none or goes through gettext."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return " ".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
        return _literal(node.left)
    return ""


def _translated_within(text: ast.JoinedStr) -> Iterator[ast.Call]:
    """Calls of gettext inside a formatted string, where xgettext does not look."""
    for node in ast.walk(text):
        name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
        if isinstance(node, ast.Call) and name in GETTEXT and node.args and isinstance(node.args[0], ast.Constant):
            yield node


def _faults_in_python(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            yield from ((call.lineno, ast.unparse(call)) for call in _translated_within(node))
        shown: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            logs = isinstance(node.func, ast.Attribute) and "logger" in ast.unparse(node.func.value)
            shown += [keyword.value for keyword in node.keywords if keyword.arg in SHOWN_KEYWORDS]
            shown += [] if logs or name not in SHOWN_CALLS else node.args
        elif isinstance(node, ast.Assign) and any(getattr(target, "id", "") in SHOWN_NAMES for target in node.targets):
            shown.append(node.value)
        for expression in shown:
            text = _literal(expression)
            if WORD.search(text) and (" " in text or text[:1].isupper()):
                yield expression.lineno, text


def _faults_in_script(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        code = re.sub(r"^\s*(//|\*|/\*).*|\s//\s.*", "", line)
        for _quote, text in re.findall(r"(['\"`])((?:(?!\1).)*)\1", code):
            if re.search(r"[A-Z][a-z]+ [a-z]+", text):
                yield number, text


def faults() -> Iterator[str]:
    readers = {
        ".html": _faults_in_template,
        ".txt": _faults_in_template,
        ".py": _faults_in_python,
        ".js": _faults_in_script,
    }
    for path in sorted(path for app in (*APPS, "templates") for path in (ROOT / app).rglob("*")):
        parts = set(path.relative_to(ROOT).parts)
        if path.suffix not in readers or parts & {"tests", "migrations", "vendor", "locale"}:
            continue
        if path.suffix == ".txt" and "templates" not in parts:
            continue
        for line, text in readers[path.suffix](path):
            if text.strip() not in ALLOWED:
                yield f"{path.relative_to(ROOT)}:{line}: {text!r}"


if __name__ == "__main__":
    settings.configure()
    django.setup()
    found = list(faults())
    print("\n".join(found) or "Everything that people read goes through gettext.")
    sys.exit(bool(found))
