"""A log of its own for who asks, later, whether somebody tried to come in: `collimator.security`.

A line says what was done or refused, by whom and to whom by their numbers, and where the request came from. Never a
name that was typed, which may be a password in the wrong field, and never a patient. Django's `django.security` goes
the same way (settings.LOGGING).
"""

import logging

from django.http import HttpRequest

from backoffice.access.addresses import client_address
from backoffice.traced import NONE

logger = logging.getLogger("collimator.security")


def done(what: str, request: HttpRequest | None = None, **about: object) -> None:
    """Note what somebody did, in words that are the same each time; `about` are further facts, for a program."""
    _write(logging.INFO, what, request, about)


def refused(what: str, request: HttpRequest | None = None, **about: object) -> None:
    """Note what somebody was not let do."""
    _write(logging.WARNING, what, request, about)


def _write(level: int, what: str, request: HttpRequest | None, about: dict[str, object]) -> None:
    if request is not None:
        user = getattr(request, "user", None)
        about = {"person": user.pk if user is not None else None, **about, "path": request.path}
        about["address"] = str(client_address(request) or NONE)
    logger.log(level, "%s", what, extra={"about": {name: value for name, value in about.items() if value is not None}})
