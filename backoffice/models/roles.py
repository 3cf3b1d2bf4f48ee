"""What an administrator decides about a role. What a role may do is decided in roles.py."""

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from backoffice.formats.lists import listed


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

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["group__name"]

    def __str__(self) -> str:
        return name_of(self.group)
