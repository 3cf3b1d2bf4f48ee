"""Gives every request an id: in the logs, in the answer's header, in the access trail."""

import uuid
from collections.abc import Callable

from django.http import HttpResponse

from backoffice.traced import request_id
from backoffice.web.requests import Request

HEADER = "X-Request-ID"


class RequestIdMiddleware:
    """Makes an id, and believes nobody's: proxies pass on what a browser sends, who would choose what the trail says.

    A proxy that wants it in its own log takes it from the answer.
    """

    def __init__(self, get_response: Callable[[Request], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        request.id = uuid.uuid4().hex
        token = request_id.set(request.id)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response[HEADER] = request.id
        return response
