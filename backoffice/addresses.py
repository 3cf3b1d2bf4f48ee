"""Where a request comes from."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Who is asking: behind a proxy of ours, the address that the proxy itself saw and appended."""
    if settings.BEHIND_PROXY:
        return request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip() or request.META["REMOTE_ADDR"]
    return request.META["REMOTE_ADDR"]
