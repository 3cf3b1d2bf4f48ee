"""A thin helper over django-q2. A task here is a nudge: work itself is rows in a table, so that a lost, doubled or
endlessly redelivered task is harmless."""

from django.db import transaction
from django_q.tasks import async_task


def nudge(function: str, cluster: str) -> None:
    """Ask a cluster to run `function` (a dotted path) once this transaction is committed.

    A broker that is away does not fail the request: a schedule nudges again within a minute.
    """
    transaction.on_commit(lambda: async_task(function, cluster=cluster), robust=True)
