"""Turns what cannot be a value into “this could not be understood”, in one place for every page.

Addresses, filters, forms and cookies hold whatever their sender wrote: a NUL, a key of thirty digits, a thirteenth
month. Where a page does not say so itself, the database or Django's fields do, with an error that is nobody's fault of
ours: such an error, met while a request's own values were looked up, is answered with 400, or 404 where the address
alone holds them. Any other error stays one of ours.
"""

import logging
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.datastructures import MultiValueDict

logger = logging.getLogger(__name__)

# Where Django makes a value of the text that somebody sent, and where SQLite takes one.
WHERE_VALUES_ARE_MADE = (
    "/django/db/models/fields/",
    "/django/db/models/lookups.py",
    "/django/db/backends/",
    "/django/contrib/admin/templatetags/admin_list.py",
    "/django/contrib/admin/views/main.py",
    "/django/core/paginator.py",
    "/django/utils/dateparse.py",
    "/django/utils/timezone.py",
)
REFUSALS = (ValueError, TypeError, OverflowError)  # a DataError always is one


class ImpossibleValuesMiddleware:
    """Comes after the messages, so that the page can be drawn in the frame."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: Sequence[object],
        kwargs: Mapping[str, object],
    ) -> None:
        if any(map(cannot_be_text, texts_of(request))):
            raise BadRequest("a character that is none")

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        if not is_about_a_value(error):
            return
        logger.warning(
            "%s %s: %s", request.method, getattr(request.resolver_match, "route", request.path), type(error).__name__
        )
        if request.method == "GET" and not request.GET:
            raise Http404 from error
        raise BadRequest("a value that cannot be") from error


def texts_of(request: HttpRequest) -> Iterable[str]:
    """Everything that the request says: its address, its parameters, its form, its cookies."""
    yield request.path_info
    yield from request.COOKIES.values()
    sent = [request.GET, request.POST if request.method == "POST" else MultiValueDict()]
    for values in sent:
        for name, texts in values.lists():
            yield name
            yield from texts


def cannot_be_text(text: str) -> bool:
    """A NUL, which PostgreSQL refuses, or half a character, which nothing can write."""
    return "\0" in text or any("\ud800" <= character <= "\udfff" for character in text if character > "\ud7ff")


def is_about_a_value(error: BaseException) -> bool:
    if isinstance(error, SuspiciousOperation | BadRequest):
        return False
    if isinstance(error, DataError):
        return True
    if not isinstance(error, REFUSALS):
        return False
    last = traceback.extract_tb(error.__traceback__)[-1].filename
    return any(place in last for place in WHERE_VALUES_ARE_MADE)
