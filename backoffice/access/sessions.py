"""Sessions in a table, as Django keeps them; a database that is away or busy is said to be that."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError


class SessionStore(db.SessionStore):
    def save(self, must_create: bool = False) -> None:
        """Raises UpdateError where somebody else has ended the session, and what the database raises."""
        try:
            super().save(must_create)
        except UpdateError as error:
            # Django takes whatever the database says for that, and the visitor is told that their form makes no sense.
            if isinstance(error.__context__, OperationalError):
                raise error.__context__ from None
            raise
