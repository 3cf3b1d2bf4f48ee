"""A model that brings down whoever asks it, each time, is asked no more until a person has it tried again.

A process that the system kills can say nothing afterwards, so each attempt is written down before it begins, and struck
out when it is over, however it ended. What stays written did not come to its end.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import F

from inference import failures
from inference.models import DiagnosticModel, Worker

MOST = 3


class FatalModelError(Exception):
    """It has ended its worker on each attempt. The message is for who registered it."""


@contextmanager
def attempt(model: DiagnosticModel) -> Iterator[None]:
    """Ask the model by itself, within this. Raises FatalModelError, before anything is asked, where that has brought
    down the process so often that it would again. Other workers that are alive may be at it too: as many attempts as
    there are of them count for nothing."""
    row = DiagnosticModel.objects.filter(pk=model.pk)
    others = max(Worker.objects.alive().count() - 1, 0)
    if not row.filter(attempts__lt=MOST + others).update(attempts=F("attempts") + 1):
        raise FatalModelError(failures.ENDED_ITS_WORKER(n=MOST))
    try:
        yield
    finally:
        row.update(attempts=0)
