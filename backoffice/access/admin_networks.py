"""The admin for some networks alone, such as the clinic's own and its VPN."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from backoffice.access import security_log
from backoffice.access.addresses import client_address
from backoffice.web import errors


class AdminNetworksMiddleware:
    """Answers who comes from elsewhere as if there were no admin. An address that cannot be read is from elsewhere.

    Signing in is within the admin, so nobody gets that far either. Behind a proxy of ours the address is the one that
    the proxy saw: see addresses.py.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.ADMIN_NETWORKS and is_in_the_admin(request.path) and not is_let_in(request):
            security_log.refused("admin not open from here", request)
            request.path_info += "/"  # or Django would add it, and lead to what is not to be there
            return errors.no_such_page(request)
        return self.get_response(request)


def is_in_the_admin(path: str) -> bool:
    """Also without the slash at its end, for which Django would show the way."""
    return f"{path}/".startswith(reverse("admin:index"))


def is_let_in(request: HttpRequest) -> bool:
    address = client_address(request)
    return address is not None and any(address in network for network in settings.ADMIN_NETWORKS)
