"""Where a request comes from."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

IPV6_SITE = 64  # bits: a household is given a network of addresses, not one
# Some proxies add the port: 203.0.113.7:51000, [2001:db8::7]:51000.
WITH_A_PORT = re.compile(r"\[?(?P<address>[^\[\]]*?)\]?(:\d{1,5})?")


def client_address(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """Who is asking: behind a proxy of ours, the address that the proxy itself saw and appended.

    None for a socket, or a proxy that names no address. Nobody guesses then who it is: all of them count as one.
    """
    seen = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        seen = request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip()
    address = _parsed(seen)
    if address is None and (spelled := WITH_A_PORT.fullmatch(seen)):
        address = _parsed(spelled["address"])
    return getattr(address, "ipv4_mapped", None) or address


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.partition("%")[0])  # a link's own addresses name the interface behind it
    except ValueError:
        return None


def household(request: HttpRequest) -> str | None:
    """What counts as one address: with IPv6, anybody has billions of them."""
    address = client_address(request)
    if address is None or address.version == 4:
        return None if address is None else str(address)
    return str(ip_network((address, IPV6_SITE), strict=False).network_address)
