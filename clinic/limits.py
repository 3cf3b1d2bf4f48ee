"""How often one address may book."""

import time

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

HOUR = 3600


def client_address(request: HttpRequest) -> str:
    """Who is asking: behind a proxy of ours, the address that the proxy itself saw and appended."""
    if settings.BEHIND_PROXY:
        return request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip() or request.META["REMOTE_ADDR"]
    return request.META["REMOTE_ADDR"]


def may_book(request: HttpRequest) -> bool:
    """Count one booking for this address and hour; False where BOOKING_RATE_LIMIT is used up. 0 turns it off.

    Each booking claims a key of its own. `add` is atomic in every cache; `incr` is not in the one that is a table.
    """
    limit = settings.BOOKING_RATE_LIMIT
    if not limit:
        return True
    bucket = f"bookings:{client_address(request)}:{int(time.time() // HOUR)}"
    used = cache.get(bucket, 0)  # where to start looking, no more: others may have booked since
    for number in range(used, limit):
        if cache.add(f"{bucket}:{number}", True, HOUR):
            cache.set(bucket, number + 1, HOUR)
            return True
    return False
