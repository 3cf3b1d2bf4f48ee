"""/metrics: whoever asks without METRICS_TOKEN, and not from METRICS_NETWORKS, finds no such page."""

import os

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

from backoffice.access.addresses import client_address
from backoffice.measuring.figures import Figures


def may_ask(request: HttpRequest) -> bool:
    scheme, _blank, token = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_TOKEN and scheme.lower() == "bearer":
        return constant_time_compare(token.strip(), settings.METRICS_TOKEN)
    address = client_address(request)
    return address is not None and any(address in network for network in settings.METRICS_NETWORKS)


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    if not may_ask(request):
        raise Http404
    told = CollectorRegistry()
    told.register(Figures())
    return HttpResponse(generate_latest(told) + _of_all_processes(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _of_all_processes() -> bytes:
    """What every process of this server has counted; see gunicorn.conf.py. Where there is but this one, its own."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    MultiProcessCollector(together)
    return generate_latest(together)
