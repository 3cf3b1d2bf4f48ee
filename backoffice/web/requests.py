"""A request, with what is hung on it on its way."""

from typing import cast

from django.http import HttpRequest, QueryDict
from django_htmx.middleware import HtmxDetails


class Request(HttpRequest):
    """As it comes through our middleware. Django passes it on as one of its own."""

    id: str
    htmx: HtmxDetails
    step_before: str | None
    """What stands between who signed in and everything else: see second_factor/rules.py."""
    is_form_page: bool
    """Set where a record's form is shown, and not a list or an action of it."""
    given_back: QueryDict
    """What had been typed on this page before its sender was signed out: see admin/base/giving_back.py."""
    is_in_the_trail: bool
    """Set where the access trail has this request already."""


def ours(request: HttpRequest) -> Request:
    """The same request, for code that Django calls with one of its own."""
    return cast(Request, request)
