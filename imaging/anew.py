"""Films of which less is known than today's files would say: each is looked at once more, in its original.

Each film is written for itself, and marked, so whoever is stopped goes on where they were.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import transaction
from django.db.models import QuerySet

from backoffice.records.locks import lock_by_key
from imaging import ingest
from imaging.ingest import Refused
from imaging.models import XRayImage

logger = logging.getLogger(__name__)

AT_ONCE = 50  # some seconds of work: then the worker does something else

Found = TypeVar("Found")


@dataclass(frozen=True)
class Again(Generic[Found]):
    """One thing that is looked for in older films.

    `look` raises what reading a file raises; `keep` writes what was found into the row, which is locked and as it is
    by then. `unreadable` is what the log says of a film (`%d`) whose file is gone or cannot be read any more: it is
    marked by `done`, and keeps nobody waiting.
    """

    waiting: Callable[[], QuerySet[XRayImage]]
    look: Callable[[XRayImage], Found]
    keep: Callable[[XRayImage, Found], None]
    done: dict[str, Any]
    unreadable: str

    def some(self) -> int:
        """Look at a few: what the worker does each minute until none is left. Returns how many were looked at."""
        return len([self.one(film) for film in self.waiting()[:AT_ONCE]])

    def all(self) -> list[bool]:
        """Look at each that waits: whether what was found in it is kept."""
        return [self.one(film) for film in self.waiting().iterator()]

    def one(self, film: XRayImage) -> bool:
        """Whether what was found is kept: not where the file cannot be read, or others are read at the moment."""
        try:
            found = self.look(film)
        except ingest.Busy:
            return False  # it waits for the next minute
        except (OSError, Refused):
            logger.warning(self.unreadable, film.pk)
            XRayImage.objects.filter(pk=film.pk).update(**self.done)
            return False
        with transaction.atomic():
            lock_by_key(XRayImage, [film.pk])
            self.keep(XRayImage.objects.select_related("patient").get(pk=film.pk), found)
        return True
