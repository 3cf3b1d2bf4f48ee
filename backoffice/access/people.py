"""Who is at a page that only people who work here reach."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from backoffice.models import User
from backoffice.web.requests import Request


class StaffRequest(Request):
    """As it comes to a page of the admin, which lets in nobody who has not signed in."""

    user: User


def person_of(request: HttpRequest) -> User:
    """Who signed in, for code that Django calls with a request of its own. Raises PermissionDenied for a visitor."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
