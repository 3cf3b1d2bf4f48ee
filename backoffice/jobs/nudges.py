"""A thin helper over django-q2. A task here is a nudge: work itself is rows in a table, so that a lost, doubled or
endlessly redelivered task is harmless."""

from django.db import DEFAULT_DB_ALIAS, transaction
from django_q.conf import Conf
from django_q.tasks import async_task


def nudge(function: str, cluster: str) -> None:
    """Ask a cluster to run `function` (a dotted path) once this transaction is committed.

    A broker in the database takes the task along with the transaction, and costs no commit of its own. Another that is
    away does not fail the request: a schedule nudges again within a minute.
    """
    if Conf.ORM == DEFAULT_DB_ALIAS and transaction.get_connection().in_atomic_block:
        async_task(function, cluster=cluster)
    else:
        transaction.on_commit(lambda: async_task(function, cluster=cluster), robust=True)
