"""How often one address, and one person, may book.

Nobody is to be locked out for sitting beside others: signed-in staff are not counted, nor is who comes from
BOOKING_UNLIMITED_NETWORKS, such as the clinic's own waiting room.
"""

import time

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from backoffice.access.addresses import client_address, household

HOUR = 3600


def may_book(request: HttpRequest, national_id: str) -> bool:
    """Count one booking for this address, this person and this hour; False where either has had its share."""
    if request.user.is_staff:
        return True
    return _address_may_book(request) and _claim("person", national_id, settings.BOOKING_RATE_LIMIT_PER_PERSON)


def _address_may_book(request: HttpRequest) -> bool:
    address = client_address(request)
    if address is None:  # all who come that way would share one count
        return True
    if any(address in network for network in settings.BOOKING_UNLIMITED_NETWORKS):
        return True
    return _claim("address", household(request) or "", settings.BOOKING_RATE_LIMIT)


def _claim(kind: str, who: str, limit: int) -> bool:
    """Claim one of this hour's bookings; False where all are claimed. A limit of 0 is none.

    Each booking claims a key of its own: `add` is atomic in every cache; `incr` is not in the one that is a table. The
    key says nothing to whoever reads the cache: addresses and ID numbers are too few for a hash without a secret.
    """
    if not limit:
        return True
    secret = salted_hmac(f"clinic.public.limits.{kind}", who, algorithm="sha256").hexdigest()
    bucket = f"bookings:{secret}:{int(time.time() // HOUR)}"
    used = cache.get(bucket, 0)  # where to start looking, no more: others may have booked since
    for number in range(used, limit):
        if cache.add(f"{bucket}:{number}", True, HOUR):
            cache.set(bucket, number + 1, HOUR)
            return True
    return False
