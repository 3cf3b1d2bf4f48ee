"""Requests that no browser of ours would send: what a page knows, filled with what cannot be.

A page says itself what it may be asked: the fields of its forms, with what stands in them, and the parameters of its
links. One of them at a time is replaced, so that the impossible value gets as far as it can.
"""

import random
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.db import transaction
from django.test import Client

MANY_DIGITS = "9" * 30
VALUES = [
    "", "\0", "a\0b", "9" * 25, "9" * 5000, MANY_DIGITS,
    "-1", "0", "1.5", "1e400", "NaN", "0x10", "x", "abc", "é" * 5000,
    "9999-12-31", "0001-01-01", "2026-13-01", "2026-02-30", "13", "25:61", "24:00-99:00", "1,x,99999999999999999999",
    "[]", "{}", "null", "index", "admin:index", "logout", "//evil.example", "http://[", "../../etc/passwd", "'", "%",
    "%00", "\u202e", "𝟙", "²", "½", "1_000", "true", "on", "__all__", "pk__in",
]  # fmt: skip
# What a page may be asked whether it says so or not.
PARAMETERS = [
    "q", "p", "o", "e", "all", "first", "last", "live", "of", "next", "prediction", "patient", "other", "seen",
    "page", "problems", "changes", "older", "_to_field", "_popup", "_changelist_filters", "_facets", "id__in",
    "id__exact", "__range", "id__range", "pk", "pk__isnull", "created_at__year", "created_at__month",
    "created_at__day", "date__gte", "session", "session__date__gte", "session__date__range", "term", "app_label",
    "model_name", "field_name", "day", "period", "symptom", "_history_user", "__class__", "patient__id__exact",
    "content_type__id__exact", "action", "_selected_action", "language",
]  # fmt: skip
FIELDS = [
    "action", "_selected_action", "index", "select_across", "confirm", "reason", "next", "key", "_save", "slot",
    "who", "over", "back",
]  # fmt: skip
COOKIES = ["sessionid", "csrftoken", "django_language", "messages", "booking_number"]
HEADERS = [
    "Accept-Language", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Host", "Referer", "Origin",
    "X-Request-ID", "HX-Request", "HX-Current-URL", "HX-Target", "HX-Trigger", "Content-Type", "Content-Length",
    "If-Modified-Since", "If-None-Match", "Range", "Accept", "User-Agent", "X-Requested-With", "X-CSRFToken",
    "Cookie", "Transfer-Encoding",
]  # fmt: skip
UNTYPABLE = str.maketrans("", "", "\r\n\0")  # no server hands these on in a header


class Asked(HTMLParser):
    """What a page may be asked: `fields` with what stands in them, and the names of its links' `parameters`."""

    def __init__(self, html: str):
        super().__init__()
        self.fields: dict[str, str] = {}
        self.parameters: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        name = attrs.get("name")
        if tag in ("input", "select", "textarea") and name and name != "csrfmiddlewaretoken":
            self.fields.setdefault(name, attrs.get("value") or "")
        for address in (attrs.get("href"), attrs.get("hx-get"), attrs.get("action")):
            if address and "?" in address:
                self.parameters.update(name for name, _value in parse_qsl(urlsplit(address).query))


@dataclass
class Request:
    method: str
    path: str
    data: dict = field(default_factory=dict)
    headers: dict = field(default_factory=dict)
    cookies: dict = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.data} {self.headers} {self.cookies}"[:300]

    def send(self, client: Client):
        for name, value in self.cookies.items():
            client.cookies[name] = as_servers_hand_it_on(value)
        if self.method == "GET":
            asked = f"{'&' if '?' in self.path else '?'}{urlencode(self.data, errors='replace')}"
            return client.get(f"{self.path}{asked}", headers=self.headers)
        return client.post(self.path, self.data, headers=self.headers)


def as_servers_hand_it_on(value: str) -> str:
    """Each byte of a head is a character of its own (PEP 3333)."""
    return value.encode().decode("latin-1")


@dataclass
class Requests:
    """Every one thing that this page may be asked, each with every value: thousands, made when they are chosen."""

    path: str
    page: Asked | None

    def things(self) -> dict[str, list[tuple[str, str]]]:
        fields = self.page.fields if self.page else {}
        asked = sorted(self.page.parameters | set(PARAMETERS) | set(fields)) if self.page else PARAMETERS
        return {
            "GET": [("parameter", name) for name in asked],
            "POST": [("field", name) for name in [*fields, *FIELDS]],
            "around": [*(("cookie", name) for name in COOKIES), *(("header", name) for name in HEADERS)],
        }

    def made(self, thing: str, name: str, value: str) -> Request:
        match thing:
            case "parameter":
                return Request("GET", self.path, {name: value})
            case "field":
                return Request("POST", self.path, (self.page.fields if self.page else {}) | {name: value})
            case "cookie":
                return Request("GET", self.path, cookies={name: value})
            case _:
                return Request("GET", self.path, headers={name: as_servers_hand_it_on(value.translate(UNTYPABLE))})

    def a_few(self, times: int = 1, gets: int = 1) -> list[Request]:
        """So many of each kind, and so many times as many of what an address asks: the same ones each time, other ones
        for each page."""
        chance = random.Random(self.path)
        chosen = []
        for kind, things in self.things().items():
            wanted = times * (gets if kind == "GET" else 1)
            every = range(len(VALUES) * len(things))
            for number in chance.sample(every, min(wanted, len(every))):
                value, thing = divmod(number, len(things))
                chosen.append(self.made(*things[thing], VALUES[value]))
        return chosen


class Stranger:
    """Sends requests, each taken back: what one does, the next does not see."""

    def __init__(self, client: Client):
        self.client, self.cookies = client, {name: one.value for name, one in client.cookies.items()}
        client.raise_request_exception = False

    def ask(self, request: Request):
        self.client.cookies = SimpleCookie(self.cookies)
        with transaction.atomic():
            answer = request.send(self.client)
            transaction.set_rollback(True)
        if answer.status_code < 500:
            return answer
        # A transaction that the database has given up is this helper's, and nobody else's: asked once more without.
        self.client.cookies = SimpleCookie(self.cookies)
        return request.send(self.client)
