"""Where a request comes from."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

IPV6_SITE = 64  # bits: a household is given a network of addresses, not one


def client_address(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """Who is asking: behind a proxy of ours, the address that the proxy itself saw and appended.

    None for a socket, or a proxy that names no address.
    """
    seen = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        seen = request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip() or seen
    try:
        address = ip_address(seen)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def household(request: HttpRequest) -> str | None:
    """What counts as one address: with IPv6, anybody has billions of them."""
    address = client_address(request)
    if address is None or address.version == 4:
        return None if address is None else str(address)
    return str(ip_network((address, IPV6_SITE), strict=False).network_address)
