"""How often the public pages write, and are tried, by address, person, mailbox, booking and report.

Nobody is to be locked out for sitting beside others: signed-in staff are not counted, nor is who comes from
BOOKING_UNLIMITED_NETWORKS, such as the clinic's own waiting room. Who comes without an address that can be read counts
as one with all others who do.
"""

import time

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from backoffice.access.addresses import client_address, household
from clinic.models import Appointment

HOUR = 3600
# Whoever books walks in once, and perhaps starts over or comes back: so many drafts for each booking of an address.
DRAFTS_FOR_A_BOOKING = 5
# Several people may sit behind one address, each with a report of their own.
HOUSEHOLD_OF = 3
NO_ADDRESS = "none that can be read"


def may_start(request: HttpRequest) -> bool:
    """Count one draft, which is kept for an hour; False where this address has begun its share."""
    return _address_may("draft", request, settings.BOOKING_RATE_LIMIT * DRAFTS_FOR_A_BOOKING)


def may_book(request: HttpRequest, person: str, email: str = "") -> bool:
    """Count one booking for this address, this person, the mailbox that hears of it, and this hour; False where one of
    them has had its share."""
    if request.user.is_staff:
        return True
    each = settings.BOOKING_RATE_LIMIT_PER_PERSON
    return (
        _address_may("address", request, settings.BOOKING_RATE_LIMIT)
        and _claim("person", person, each)
        and (not email or _claim("mailbox", _mailbox(email), each))
    )


def _mailbox(email: str) -> str:
    """Whose mailbox it is: lin+1@ and lin+2@ are one person's (RFC 5233), and anybody may write them."""
    name, _at, host = email.casefold().rpartition("@")
    return f"{name.partition('+')[0]}@{host}"


def may_move(request: HttpRequest, appointment: Appointment) -> bool:
    """Count one move of this booking; False where it has been moved so often within the hour.

    Each writes a mail and uses up a number, whoever has the link.
    """
    return request.user.is_staff or _claim("booking", appointment.reference, settings.BOOKING_MOVES_LIMIT)


def may_prove(request: HttpRequest, key: str, reference: str) -> bool:
    """Count one try at what asks who somebody is, for this address, for the key of what is asked for and for what was
    given as a reference; False where one of them has had its share within the hour. Right and wrong ones count alike.
    """
    tries = settings.REPORT_TRIES_LIMIT
    return (
        _address_may("proof-address", request, tries * HOUSEHOLD_OF)
        and _claim("proof-key", key, tries)
        and _claim("proof-reference", reference, tries)
    )


def _address_may(what: str, request: HttpRequest, limit: int) -> bool:
    if request.user.is_staff:
        return True
    address = client_address(request)
    if address and any(address in network for network in settings.BOOKING_UNLIMITED_NETWORKS):
        return True
    return _claim(what, household(request) or NO_ADDRESS, limit)


def _claim(kind: str, who: str, limit: int) -> bool:
    """Claim one of this hour's; False where all are claimed. A limit of 0 is none.

    Each claims a key of its own: `add` is atomic in every cache; `incr` is not in the one that is a table. The
    key says nothing to whoever reads the cache: addresses and ID numbers are too few for a hash without a secret.
    """
    if not limit:
        return True
    secret = salted_hmac(f"clinic.public.limits.{kind}", who, algorithm="sha256").hexdigest()
    bucket = f"bookings:{secret}:{int(time.time() // HOUR)}"
    used = cache.get(bucket)  # where to start looking, no more: others may have claimed since
    for number in range(used if isinstance(used, int) else 0, limit):
        if cache.add(f"{bucket}:{number}", True, HOUR):
            if number:  # of the first, most people's only one, nothing needs to be said
                cache.set(bucket, number + 1, HOUR)
            return True
    return False
