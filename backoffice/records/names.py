"""What a record is called before somebody: a hidden patient has a name for those alone who may read it."""

from django.db.models import Model

from backoffice.readers import Reader


def name_for(record: Model, user: Reader | None) -> str:
    """As `user` reads it; None is anybody. A model whose name hangs on its reader has a `name_for(user)` of its own."""
    named = getattr(record, "name_for", None)
    return str(named(user)) if named else str(record)
