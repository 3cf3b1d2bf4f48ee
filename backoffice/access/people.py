"""Who is at a page that only people who work here reach."""

from backoffice.models import User
from backoffice.web.requests import Request


class StaffRequest(Request):
    """As it comes to a page of the admin, which lets in nobody who has not signed in."""

    user: User
