"""How often the public pages write, and are tried, by address, person, mailbox, booking and report.

Nobody is to be locked out for sitting beside others: signed-in staff are not counted, nor is who comes from
BOOKING_UNLIMITED_NETWORKS, such as the clinic's own waiting room. Who comes without an address that can be read counts
as one with all others who do.
"""

import time

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from backoffice.access import security_log
from backoffice.access.addresses import client_address, household
from backoffice.live.counts import count_up
from clinic.models import Appointment

HOUR = 3600
# Whoever books walks in once, and perhaps starts over or comes back: so many drafts for each booking of an address.
DRAFTS_FOR_A_BOOKING = 5
# Several people may sit behind one address, each with a report of their own.
HOUSEHOLD_OF = 3
NO_ADDRESS = "none that can be read"


def may_start(request: HttpRequest) -> bool:
    """Count one draft, which is kept for an hour; False where this address has begun its share."""
    return request.user.is_staff or _claim(
        request, _of_the_address("draft", request, settings.BOOKING_RATE_LIMIT * DRAFTS_FOR_A_BOOKING)
    )


def may_book(request: HttpRequest, person: str, email: str = "") -> bool:
    """Count one booking for this address, this person, the mailbox that hears of it, and this hour; False where one of
    them has had its share, and then none is counted."""
    each = settings.BOOKING_RATE_LIMIT_PER_PERSON
    return request.user.is_staff or _claim(
        request,
        _of_the_address("address", request, settings.BOOKING_RATE_LIMIT)
        | _of("person", person, each)
        | (_of("mailbox", _mailbox(email), each) if email else {}),
    )


def _mailbox(email: str) -> str:
    """Whose mailbox it is: lin+1@ and lin+2@ are one person's (RFC 5233), and anybody may write them."""
    name, _at, host = email.casefold().rpartition("@")
    return f"{name.partition('+')[0]}@{host}"


def may_move(request: HttpRequest, appointment: Appointment) -> bool:
    """Count one move of this booking; False where it has been moved so often within the hour.

    Each writes a mail and uses up a number, whoever has the link.
    """
    return request.user.is_staff or _claim(request, _of("booking", appointment.reference, settings.BOOKING_MOVES_LIMIT))


def may_prove(request: HttpRequest, key: str, reference: str) -> bool:
    """Count one try at what asks who somebody is, for this address, for the key of what is asked for and for what was
    given as a reference; False where one of them has had its share within the hour. Right and wrong ones count alike.
    """
    tries = settings.REPORT_TRIES_LIMIT
    of_the_address = {} if request.user.is_staff else _of_the_address("proof-address", request, tries * HOUSEHOLD_OF)
    return _claim(request, of_the_address | _of("proof-key", key, tries) | _of("proof-reference", reference, tries))


def _of_the_address(what: str, request: HttpRequest, limit: int) -> dict[str, int]:
    address = client_address(request)
    if address and any(address in network for network in settings.BOOKING_UNLIMITED_NETWORKS):
        return {}
    return _of(what, household(request) or NO_ADDRESS, limit)


def _of(kind: str, who: str, limit: int) -> dict[str, int]:
    """What is counted in this hour, and how far. A limit of 0 is none.

    The key says nothing to whoever reads the cache: addresses and ID numbers are too few for a hash without a secret.
    """
    if not limit:
        return {}
    secret = salted_hmac(f"clinic.public.limits.{kind}", who, algorithm="sha256").hexdigest()
    return {f"bookings:{secret}:{int(time.time() // HOUR)}": limit}


def _claim(request: HttpRequest, limits: dict[str, int]) -> bool:
    """Claim one of each; False, and none is claimed, where all of one are."""
    if not limits or count_up(limits, timeout=HOUR):
        return True
    security_log.refused("limit reached", request)
    return False
