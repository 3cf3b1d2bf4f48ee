"""Ends sessions in time."""

import time
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from backoffice.access import kept_forms
from backoffice.web.requests import Request

SIGNED_IN = "signed_in_at"
WORKED = "worked_at"
BELL = "bell"
"""What asks on every page, also where somebody is typing: it takes nobody away from there."""
ONE_WRITE_IN = 60  # seconds: work is noted no more often, for each note writes the session


def begin(sender: type[AbstractBaseUser], request: Request, user: AbstractBaseUser, **kwargs: object) -> None:
    """Signing in starts both clocks, and ends a visitor's own."""
    request.session.set_expiry(None)
    request.session[SIGNED_IN] = request.session[WORKED] = time.time()


def forget_expired() -> None:
    """Django only reads them no more: whoever copies the database would."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()


class SessionExpiryMiddleware:
    """Ends the session of who is signed in: after a while without work, and after some hours in any case.

    What a page asks for by itself is no work: a list that refreshes keeps nobody signed in. After the end, such a
    request sends the whole page to where one signs in, and back from there. A form that came too late is kept, however
    the session ended.
    """

    def __init__(self, get_response: Callable[[Request], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        ended = request.user.is_authenticated and is_over(request.session)
        if ended:
            logout(request)
        elif request.user.is_authenticated and is_work(request):
            note_work(request.session)
        response = self.get_response(request)
        if not leads_to_sign_in(response):
            return response
        if request.method == "POST" and kept_forms.keep(request, page_shown(request)):
            messages.info(request, _("You were signed out, and nothing is saved yet. Sign in to have your form back."))
        elif ended:
            messages.info(request, _("You were signed out, for safety. Sign in to go on where you were."))
        if request.htmx and request.htmx.trigger == BELL:
            return HttpResponse(status=204)
        return whole_page(request) if request.htmx else response


def is_over(session: SessionBase) -> bool:
    now = time.time()
    idle = now - session.get(WORKED, 0) > settings.SESSION_IDLE_MINUTES * 60
    return idle or now - session.get(SIGNED_IN, 0) > settings.SESSION_MAX_HOURS * 3600


def is_work(request: Request) -> bool:
    """Whether a person did this. Our pages ask for their own refreshing by GET, through htmx."""
    return not (request.htmx and request.method == "GET")


def note_work(session: SessionBase) -> None:
    if time.time() - session[WORKED] > ONE_WRITE_IN:
        session[WORKED] = time.time()


def leads_to_sign_in(response: HttpResponse) -> bool:
    return response.status_code == 302 and urlsplit(response["Location"]).path == resolve_url(settings.LOGIN_URL)


def page_shown(request: Request) -> str:
    """The page of ours that the browser shows, or was about to."""
    if not request.htmx:
        return request.get_full_path()
    return request.htmx.current_url_abs_path or resolve_url("admin:index")


def whole_page(request: Request) -> HttpResponse:
    """A form to sign in is no fragment of a page: the browser goes there, and comes back to the page it shows now."""
    query = urlencode({"next": page_shown(request)})
    return HttpResponseClientRedirect(f"{resolve_url(settings.LOGIN_URL)}?{query}")
