"""Who looks."""

from typing import Protocol


class Reader(Protocol):
    """Somebody who signed in, or anybody: all that is asked is what they may."""

    def has_perm(self, perm: str, /) -> bool: ...
