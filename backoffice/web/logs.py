"""Logs as JSON lines, or as text for whoever develops, each carrying the id of the request it belongs to, and none a
patient's data.

This is the one place where lines are made, so it is here that they are cleaned: whoever logs, Django and the libraries
too, may name an address that is a booking's key, or hand over an error of the database that quotes a row.
"""

import json
import logging
import re
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime

from django.core.exceptions import ImproperlyConfigured
from django.db import Error

from backoffice.traced import request_id

GONE = "…"
TRACEBACK = "Traceback (most recent call last):"
# What stands in a line although nobody meant it to. Rather too much than too little: a line is for finding the place.
SECRETS = {
    re.compile(r"(/(?:bookings|reports)/)[^/\s\"']+"): rf"\1{GONE}",  # these addresses are keys
    re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{22,}(?![\w-])"): GONE,  # …anywhere
    re.compile(r"[^\s@<>\"'/]+(?:@|%40)[^\s@<>\"']+"): GONE,  # mailboxes; a server's user and password
    # ID numbers, also as they are set in groups, and in a file's name
    re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{1,3}[0-9](?:[ -]?[0-9]){5,}(?![A-Za-z0-9])"): GONE,
    # phones, and numbers of passports
    re.compile(r"(?<![A-Za-z0-9])(?<![0-9]\.)\+?[0-9](?:[ -]?[0-9]){8,}(?![A-Za-z0-9]|\.[0-9])"): GONE,
    re.compile(r"(DETAIL|CONTEXT|Failing row contains|Key \([^)]*\)=).*", re.DOTALL): GONE,  # what a database quotes
}
# The first lines of these say what is missing or broken, and quote no row. Of any other error the kind is told alone.
SAYS_NOTHING_OF_ANYBODY = (ImportError, ImproperlyConfigured, Error)
OF_A_DRIVER = ("psycopg", "sqlite3")
# What a terminal or a reader of lines would take for its own: other ends of a line, other directions, half a character.
NOT_WRITTEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class JsonFormatter(logging.Formatter):
    """One JSON object a line. Arguments are formatted in; request bodies and query strings never are."""

    def format(self, record: logging.LogRecord) -> str:
        return _escaped(json.dumps(facts(record), ensure_ascii=False))


class TextFormatter(logging.Formatter):
    """The same for whoever sits before it: a line, and below it where an error happened."""

    def format(self, record: logging.LogRecord) -> str:
        line = facts(record)
        at, level, logger, of, message = (str(line.pop(name)) for name in FIRST)
        error = line.pop("exception", "")
        text = message + "".join(f" {name}={value}" for name, value in line.items())
        first, *others = text.split("\n") if TRACEBACK in record.getMessage() else [text]
        said = [f"{at[11:19]} {level:<7} {logger}: {first} [{of[:8]}]", *others, *str(error).splitlines()]
        return "\n    ".join(map(_escaped, said))


FORMATS: Mapping[str, type[logging.Formatter]] = {"json": JsonFormatter, "text": TextFormatter}
"""By what LOG_FORMAT calls them."""

FIRST = ("at", "level", "logger", "request_id", "message")


def facts(record: logging.LogRecord) -> dict[str, object]:
    """What a line says, cleaned. Beside the message: what the logger was given as `extra={"about": {…}}`."""
    # What Django says of a finished request, it says when the request has gone.
    of_request = getattr(getattr(record, "request", None), "id", None)
    values = (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        record.levelname,
        record.name,
        of_request or request_id.get(),
        scrubbed(record.getMessage()),
    )
    about: Mapping[str, object] = getattr(record, "about", {})
    line: dict[str, object] = dict(zip(FIRST, values, strict=True))
    line |= {name: scrubbed(value) if isinstance(value, str) else value for name, value in about.items()}
    if record.exc_info and record.exc_info[1]:
        line["exception"] = told(record.exc_info[1])
    return line


def _escaped(text: str) -> str:
    return NOT_WRITTEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def scrubbed(text: str) -> str:
    """The text without what might tell of a patient."""
    if TRACEBACK in text:
        return _without_words(text)
    for secret, instead in SECRETS.items():
        text = secret.sub(instead, text)
    return text


def _without_words(text: str) -> str:
    """A traceback that somebody wrote into a message, django-q's way: where it was and of what kind, not its words."""
    before, *places = text.split(TRACEBACK)
    lines = [line for place in places for line in place.splitlines()]
    code = [line for line in lines if line.startswith("  ")]
    kinds = [kind[1] for line in lines if (kind := re.match(r"([\w.]+)(?=:|$)", line))]
    return "\n".join([scrubbed(before.split(" - ")[0]), *code, *kinds[-1:]])


def told(error: BaseException | None) -> str:
    """Where an error happened, of what kind it is, and what led to it. Its own words only where they quote no value."""
    parts, seen = [], set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        parts.append("".join(traceback.format_tb(error.__traceback__)) + in_short(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\nwhich came of\n\n".join(parts)


def in_short(error: BaseException) -> str:
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    if isinstance(error, OSError):
        return f"{name}: {error.strerror}" if error.strerror else name
    is_of_a_driver = kind.__module__.split(".")[0] in OF_A_DRIVER
    quotes_values = any(one.__name__ == "DataError" for one in kind.__mro__)  # Django's, and each driver's own
    if (is_of_a_driver or isinstance(error, SAYS_NOTHING_OF_ANYBODY)) and not quotes_values:
        return f"{name}: {scrubbed(str(error).partition(chr(10))[0])}"
    return name
