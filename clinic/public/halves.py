"""The visitor's ID number between the pages: half of it here, half in their browser, so that it lies nowhere.

The halves are a one-time pad: each alone is random, and says nothing but how long the number is. It is whole only while
a request is answered that brings one half and finds the other.
"""

import base64
import secrets

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

COOKIE = "booking_number"
HOUR = 3600

_signer = Signer(salt="clinic.public.halves")  # halves that do not belong together make no number


def keep(number: str, response: HttpResponse) -> str:
    """Give the browser its half; returns ours. Nothing is kept of nothing."""
    if not number:
        return ""
    whole = _signer.sign(number).encode()
    ours = secrets.token_bytes(len(whole))
    response.set_cookie(
        COOKIE,
        _as_text(_xor(whole, ours)),
        max_age=HOUR,
        path=reverse("clinic:choose"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return _as_text(ours)


def recall(ours: str, request: HttpRequest) -> str:
    """The number; "" where the browser's half is not there or not of this one."""
    try:
        whole = _xor(_as_bytes(request.COOKIES.get(COOKIE, "")), _as_bytes(ours))
        return _signer.unsign(whole.decode())
    except (BadSignature, ValueError):
        return ""


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _as_text(half: bytes) -> str:
    return base64.urlsafe_b64encode(half).decode()


def _as_bytes(half: str) -> bytes:
    return base64.urlsafe_b64decode(half)
