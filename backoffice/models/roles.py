"""What an administrator decides about a role. What a role may do is decided in roles.py."""

from collections.abc import Iterable
from itertools import pairwise

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalChanges, HistoricalRecords

from backoffice.formats.lists import listed
from backoffice.readers import Reader


def name_of(group: Group) -> str:
    """A role's name in the reader's language."""
    return gettext(group.name)


def names_of(groups: Iterable[Group] | None) -> str:
    return listed(map(name_of, groups or ())) or "–"


COMMA = ", "


def kept_names_of(groups: Iterable[Group] | None) -> str:
    """As a history keeps them, for readers of any language."""
    return COMMA.join(group.name for group in groups or ()) or "–"


def names_told(kept: str) -> str:
    return listed(map(gettext, kept.split(COMMA)))


class Role(models.Model):
    group = models.OneToOneField(
        Group, on_delete=models.CASCADE, related_name="role", editable=False, verbose_name=_("role")
    )
    needs_second_factor = models.BooleanField(
        _("second factor required"),
        default=False,
        help_text=_("People of this role sign in with a code from their phone as well. Who has none sets it up first."),
    )

    reads_first = models.BooleanField(
        _("reads before the models"),
        default=False,
        help_text=_(
            "People of this role see what the models say about a film only once they have given their own answer. "
            "Their pages say which of the two holds, and since when."
        ),
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["group__name"]

    def __str__(self) -> str:
        return name_of(self.group)

    def last_decided(self, field: str) -> HistoricalChanges | None:
        """The version in which `field` became what it is; None where it is as it was made."""
        versions = self.history.select_related("history_user").order_by("-history_id")
        changed = (
            version for version, before in pairwise(versions) if getattr(version, field) != getattr(before, field)
        )
        return next(changed, None)


def reads_first(user: AbstractBaseUser | AnonymousUser | Reader) -> bool:
    """Whether a role of theirs reads before the models. Of several roles the strictest holds, and of a superuser's too:
    being trusted with the machine makes nobody's eyes another's. Asked once for a request, as permissions are."""
    if not isinstance(user, AbstractBaseUser):
        return False
    if not hasattr(user, "_reads_first"):
        is_so = Role.objects.filter(reads_first=True, group__user=user.pk).exists()
        user._reads_first = is_so  # type: ignore[attr-defined]  # for the time of this request
    return user._reads_first  # type: ignore[attr-defined]
