"""How requests went, counted in each process: see gunicorn.conf.py for how those of all are added up."""

import time
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

from backoffice.measuring.figures import PREFIX

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
NO_VIEW = "none"  # an address that nobody has, or a file of ours

answered = Counter(f"{PREFIX}_requests", "Requests that were answered.", ["view", "method", "status"])
took = Histogram(
    f"{PREFIX}_request_seconds",
    "From a request that is here in full to its answer.",
    ["view"],
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


class MetricsMiddleware:
    """Counts by the view's name, never by the address, which may be a key."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not (settings.METRICS_TOKEN or settings.METRICS_NETWORKS):
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        view = match.view_name if match else NO_VIEW
        method = request.method if request.method in METHODS else "other"  # visitors may write anything there
        took.labels(view).observe(time.perf_counter() - began)
        answered.labels(view, method, str(response.status_code)).inc()
        return response
