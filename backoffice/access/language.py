"""In which language the site speaks to somebody: as they chose, else as their browser asks."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views import i18n

from backoffice.models import User


class ChosenLanguageMiddleware:
    """Who is signed in reads the language of their record, on whatever machine they sit.

    Everybody else has Django's own: a cookie where they chose here, else what the browser asks for.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and request.user.language:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)


def choose_language(request: HttpRequest) -> HttpResponse:
    """Django's `set_language`, which also keeps the choice in the record of who is signed in."""
    response = i18n.set_language(request)
    language = request.POST.get("language")
    if request.method == "POST" and request.user.is_authenticated and language in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=language)
    return response
