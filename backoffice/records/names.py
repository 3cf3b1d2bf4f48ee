"""What a record is called before somebody: a hidden patient has a name for those alone who may read it."""

from collections.abc import Iterable

from django.db.models import Model

from backoffice.formats.kept import gettext as _
from backoffice.formats.lists import listed
from backoffice.readers import Reader

NAMED = 10


def name_for(record: Model, user: Reader | None) -> str:
    """As `user` reads it; None is anybody. A model whose name hangs on its reader has a `name_for(user)` of its own."""
    named = getattr(record, "name_for", None)
    return str(named(user)) if named else str(record)


def named(rows: Iterable) -> str:
    """The first few of them by name, and how many more there are."""
    rows = list(rows)
    told = listed(rows[:NAMED])
    return told if len(rows) <= NAMED else _("%(named)s and %(n)d more") % {"named": told, "n": len(rows) - NAMED}
