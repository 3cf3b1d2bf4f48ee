"""What every answer must say of itself, and what no page may hold, so that a browser runs nothing but ours."""

import re

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
REFUSED_INLINE = {
    "a script within": re.compile(r"<script(?![^>]*\ssrc=)(?![^>]*type=\"application/json\")", re.IGNORECASE),
    "a style sheet within": re.compile(r"<style[\s>]", re.IGNORECASE),
    "a style": re.compile(r"<[a-z][^<>]*\sstyle=", re.IGNORECASE),
    "a handler": re.compile(r"<[a-z][^<>]*\son[a-z]+=", re.IGNORECASE),
    "an address that is a script": re.compile(r"<[a-z][^<>]*=[\"']?\s*javascript:", re.IGNORECASE),
}


def faults_of(answer) -> list[str]:
    """What is wrong with an answer, whatever it is an answer to."""
    said = {name: answer.get(name, "") for name in HEADERS}
    found = [f"{name}: {value}" for name, value in said.items() if value not in HEADERS[name]]
    policy = answer.get("Content-Security-Policy", "")
    found += [f"no {directive}" for directive in DIRECTIVES - set(policy.split("; "))]
    found += ["something unsafe"] if "unsafe" in policy or "*" in policy else []
    found += [] if "camera=()" in answer.get("Permissions-Policy", "") else ["no Permissions-Policy"]
    if "text/html" in answer.get("Content-Type", "") and not answer.streaming:
        found += [what for what, inline in REFUSED_INLINE.items() if inline.search(answer.text)]
    return found
