"""What a transaction changed, told once when it commits, however many signals fired."""

import threading
from collections.abc import Callable

from django.db import OperationalError, transaction


class Noted:
    """Keys for `then`, which is called with all that were noted.

    A key noted in a transaction or a savepoint that was rolled back stays here until the next commit of this thread,
    and is then looked at for nothing: needless, and right. So does one whose `then` failed because the database was
    busy, as where SQLite's one writer took longer than others wait: it is told with the next.
    """

    def __init__(self, then: Callable[[set[int]], object]) -> None:
        self._then = then
        self._this_thread = threading.local()

    def note(self, *keys: int) -> None:
        if keys:
            self._keys().update(keys)
            # The first of these callbacks does everything. Registering each time lets one survive a savepoint that is
            # rolled back. What cannot be written must not undo the answer to whoever changed something: robust.
            transaction.on_commit(self._tell, robust=True)

    def forget(self, key: int) -> None:
        """What was to be done for it when this transaction commits is done within it."""
        self._keys().discard(key)

    def _keys(self) -> set[int]:
        if not hasattr(self._this_thread, "keys"):
            self._this_thread.keys = set()
        return self._this_thread.keys

    def _tell(self) -> None:
        keys = self._keys().copy()
        self._keys().clear()
        try:
            if keys:
                self._then(keys)
        except OperationalError:
            self._keys().update(keys)
            raise
