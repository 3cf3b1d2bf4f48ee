"""The site with requests that weigh as much as a long list's, and at /held how many of them are still in memory."""

import weakref
from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.wsgi import WSGIRequest

from backoffice.wsgi import application as site

HEAVY = 3000  # objects

held: weakref.WeakSet[WSGIRequest] = weakref.WeakSet()


class HeavyRequest(WSGIRequest):
    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__(environ)
        self.weight = [[row] for row in range(HEAVY)]
        held.add(self)


site.request_class = HeavyRequest


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] != "/held":
        return site(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(len(held)).encode()]
