"""The people who work here."""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AbstractUser, Group
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from simple_history.models import HistoricalRecords

from backoffice.formats.kept import Pattern, told
from backoffice.lazy import LazyText
from backoffice.models.roles import kept_names_of, names_told
from backoffice.records.mixins import EXCHANGED, REASON_LENGTH, TidyText

ROLES = Pattern(gettext_noop("Roles: %(before)s → %(now)s"), before=names_told, now=names_told)
ROLES_BECAUSE = Pattern(
    gettext_noop("Roles: %(before)s → %(now)s · %(why)s"), before=names_told, now=names_told, why=told
)


class User(TidyText, AbstractUser):
    """Somebody who works in the clinic. What they may do comes from their roles: see roles.py."""

    language = models.CharField(
        _("language"),
        max_length=10,
        choices=settings.LANGUAGES,
        blank=True,
        help_text=_("In which the site speaks to them. Empty: as their browser asks."),
    )

    history = HistoricalRecords(excluded_fields=["password", "last_login", "language"])

    _password: str | None
    """What was set and is not saved yet: Django's name."""

    is_verified: Callable[[], bool]
    """Whether they gave their second factor: django-otp sets it for who signed in."""

    _history_user: AbstractBaseUser | None
    _change_reason: LazyText

    class Meta(AbstractUser.Meta):
        default_permissions = EXCHANGED
        verbose_name = _("person")  # type: ignore[assignment]  # the stubs know no lazy names here
        verbose_name_plural = _("people")  # type: ignore[assignment]

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._password is not None and not self._state.adding:
            self._change_reason = gettext_noop("Password set")  # its history keeps no password, and would say nothing
        if kwargs.get("update_fields") != ["last_login"]:
            return super().save(*args, **kwargs)
        # Django notes each sign-in on the row. Those are a list of their own, and no change of the person.
        self.skip_history_when_saving = True
        try:
            return super().save(*args, **kwargs)
        finally:
            del self.skip_history_when_saving

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @staticmethod
    def roles_changed(before: Iterable[Group] | None, now: Iterable[Group] | None, why: str = "") -> str:
        """What becomes of a person's roles, which are no column of theirs: a reason for their history."""
        named = {"before": kept_names_of(before), "now": kept_names_of(now)}
        return ROLES_BECAUSE(REASON_LENGTH, why=why, **named) if why else ROLES(REASON_LENGTH, **named)

    def note_in_history(self, reason: LazyText, *, by: "User") -> None:
        """Something about this person changed that is no column of theirs, such as how they sign in."""
        person = User.objects.get(pk=self.pk)
        person._change_reason, person._history_user = reason, User.objects.get(pk=by.pk)
        person.save(update_fields=["username"])


def person_of(request: HttpRequest) -> User:
    """Who signed in, for code that Django calls with a request of its own. Raises PermissionDenied for a visitor."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
