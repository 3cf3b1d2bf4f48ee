"""What every answer must say of itself, and what no page may hold, so that a browser runs nothing but ours."""

import re
from html.parser import HTMLParser

HEADERS = {
    "X-Content-Type-Options": {"nosniff"},
    "X-Frame-Options": {"DENY"},
    "Referrer-Policy": {"same-origin", "no-referrer"},
    "Cross-Origin-Opener-Policy": {"same-origin"},
    "Cross-Origin-Resource-Policy": {"same-origin"},
}
DIRECTIVES = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
}
# Perhaps one of these; a text in an attribute looks so, too. To read a page takes far longer than to search it.
PERHAPS = re.compile(r"<style|<script(?![^>]*\ssrc=)|<[^<>]*\s(style|on[a-z]+)\s*=|javascript:", re.IGNORECASE)


class Page(HTMLParser):
    """What of a page a browser would refuse to run."""

    def __init__(self, html: str):
        super().__init__()
        self.faults: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        is_script = tag == "script" and "src" not in dict(attrs) and dict(attrs).get("type") != "application/json"
        if is_script or tag == "style":
            self.faults.append(f"<{tag}> within")
        for name, value in attrs:
            if name == "style" or name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                is_typed = name in ("value", "content", "title", "alt") or name.startswith(("data-", "aria-"))
                self.faults += [] if is_typed else [f"{name} of <{tag}>"]


def inline(html: str) -> list[str]:
    return Page(html).faults if PERHAPS.search(html) else []


def faults_of(answer) -> list[str]:
    """What is wrong with an answer, whatever it is an answer to."""
    said = {name: answer.get(name, "") for name in HEADERS}
    found = [f"{name}: {value}" for name, value in said.items() if value not in HEADERS[name]]
    policy = answer.get("Content-Security-Policy", "")
    found += [f"no {directive}" for directive in DIRECTIVES - set(policy.split("; "))]
    found += ["something unsafe"] if "unsafe" in policy or "*" in policy else []
    found += [] if "camera=()" in answer.get("Permissions-Policy", "") else ["no Permissions-Policy"]
    if "text/html" in answer.get("Content-Type", "") and not answer.streaming:
        found += inline(answer.text)
    return found
