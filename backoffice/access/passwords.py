"""Which passwords a guesser who knows the clinic would try first."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from backoffice.access.roles import ROLES
from backoffice.lazy import LazyText

SHORTEST_WORD = 3
ELSE_AT_LEAST = 8  # characters that a password has beside the clinic's words


class NotTheClinicsWords:
    """A password validator of Django's kind. A word of the clinic's may be in it, where enough else is."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        typed = left = password.casefold()
        for word in sorted(words(), key=len, reverse=True):
            left = left.replace(word, "")
        if left != typed and len(left) < ELSE_AT_LEAST:
            raise ValidationError(_("This password is little more than a word of the clinic’s."), code="clinics_words")

    def get_help_text(self) -> LazyText:
        return _("Your password can’t be little more than the clinic’s name, a role, or the address of this site.")


def words() -> Iterator[str]:
    """The clinic's name, whole and in its words, the site's address, the roles, and what this is called."""
    named = [settings.CLINIC_NAME, urlsplit(settings.SITE_URL).hostname or "", *ROLES, "Collimator", "clinic"]
    for name in named:
        whole = name.casefold()
        for word in {whole, whole.replace(" ", ""), *re.split(r"[\W_]+", whole)}:
            if len(word) >= (SHORTEST_WORD if word.isascii() else 2):
                yield word
