"""What goes into the security log by itself: who signs in and out, who is refused, and what becomes of people."""

from typing import Any

from axes.helpers import get_client_username
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest, HttpResponse
from simple_history.signals import post_create_historical_record

from backoffice.access import security_log
from backoffice.models import User
from backoffice.web import errors

OUR_REASONS = {
    "Password set",
    "second factor set up",
    "second factor turned off",
    "second factor taken away",
    "new backup codes",
    "sign-in unlocked",
}
"""Of a person's history. Others may hold what somebody typed."""


def signed_in(request: HttpRequest, user: AbstractBaseUser, **kwargs: object) -> None:
    security_log.done("signed in", request, person=user.pk)


def signed_out(request: HttpRequest, user: AbstractBaseUser | None, **kwargs: object) -> None:
    if user is not None:
        security_log.done("signed out", request, person=user.pk)


def not_signed_in(credentials: dict, request: Any = None, **kwargs: object) -> None:
    """The name is not told, only whose it is: it may be a password that went into the wrong field."""
    name = get_client_username(request, credentials)
    known = User.objects.filter(username=name).values_list("pk", flat=True).first()
    is_locked = bool(getattr(request, "axes_locked_out", False))
    security_log.refused("sign-in refused", request, person=known or "nobody", is_locked_out=is_locked)


def page_refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The handler of 403: a page of another role, or an address that is not let in."""
    security_log.refused("page refused", request)
    return errors.forbidden(request, exception)


def person_changed(instance: User, history_instance: Any, **kwargs: object) -> None:
    """A person is made, or changed: roles, password, second factor."""
    what = {"+": "person made", "-": "person taken out"}.get(history_instance.history_type, "person changed")
    reason = str(history_instance.history_change_reason or "").partition(" · ")[0]
    is_ours = reason in OUR_REASONS or reason.startswith("Roles: ")
    by = history_instance.history_user_id
    security_log.done(what, whom=instance.pk, person=by, why=reason if is_ours else None)


def connect() -> None:
    user_logged_in.connect(signed_in, dispatch_uid="backoffice.log_signed_in")
    user_logged_out.connect(signed_out, dispatch_uid="backoffice.log_signed_out")
    user_login_failed.connect(not_signed_in, dispatch_uid="backoffice.log_not_signed_in")
    post_create_historical_record.connect(
        person_changed, sender=User.history.model, dispatch_uid="backoffice.log_person_changed"
    )
