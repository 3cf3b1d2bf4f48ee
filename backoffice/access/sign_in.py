"""Signing in: the form, and the page for who guessed too often."""

from typing import Any

from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from backoffice.models import User

TOO_MANY_REQUESTS = 429


class Lockout(AxesStandaloneBackend):
    """Refuses who is locked out. Where nobody asks over the network, as in a script or a test's client, nobody is."""

    def authenticate(self, request: HttpRequest | None, *args: Any, **kwargs: Any) -> AbstractBaseUser | None:
        return super().authenticate(request, *args, **kwargs) if request else None


class SignInForm(AdminAuthenticationForm):
    """Counts the right password of somebody who does not work here as a wrong one: their lockout would tell them."""

    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django only tells the browser how long a name may be; a longer one is nobody's, and fits no list of failures.
        self.fields["username"].validators.append(MaxLengthValidator(self.fields["username"].max_length))

    def confirm_login_allowed(self, user: User) -> None:
        try:
            super().confirm_login_allowed(user)
        except ValidationError:
            user_login_failed.send(__name__, credentials={"username": user.get_username()}, request=self.request)
            raise


def locked_out(request: HttpRequest, response: HttpResponse, credentials: dict) -> HttpResponse:
    """The page for a name that was tried too often from one address, whether or not somebody has that name."""
    context = {
        **admin.site.each_context(request),
        "title": _("Too many attempts"),
        "minutes": settings.LOCKOUT_MINUTES,
    }
    return render(request, "backoffice/locked_out.html", context, status=TOO_MANY_REQUESTS)
