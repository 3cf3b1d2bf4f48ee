"""As somebody saw it: a decision on a page carries the version that it was made on, and where somebody else was first,
whoever decides is told and looks again."""

from collections.abc import Iterable

from django.db.models import Model
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from backoffice.records.relations import history_of

SEEN = "seen"  # what such a page's form sends


def version_of(*shown: object) -> str:
    """A short text that is another where anything of what was shown is another. Keyed, for ID numbers are too few for a
    hash that whoever has the page could compute."""
    return salted_hmac("backoffice.seen", repr(shown), algorithm="sha256").hexdigest()[:16]


def last_to_change(model: type[Model], keys: Iterable) -> str:
    """Who made the newest version of these records."""
    versions = history_of(model).filter(**{f"{model._meta.pk.attname}__in": list(keys)}).select_related("history_user")
    last = versions.order_by("-history_date", "-history_id").first()
    return str((last and last.history_user) or _("Somebody"))
