"""Gives every request an id: in the logs, in the answer's header, in the access trail."""

import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpResponse

from backoffice.web.logs import request_id
from backoffice.web.requests import Request

HEADER = "X-Request-ID"
WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{8,64}")


class RequestIdMiddleware:
    """Makes an id, or keeps a well-formed one where a proxy of ours gave it: a visitor's own would let them choose what
    the trail says."""

    def __init__(self, get_response: Callable[[Request], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        given = request.headers.get(HEADER, "") if settings.BEHIND_PROXY else ""
        request.id = given if WELL_FORMED.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(request.id)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response[HEADER] = request.id
        return response
