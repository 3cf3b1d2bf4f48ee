"""A thin helper over django-q2. A task here is a nudge: work itself is rows in a table, so that a lost, doubled or
endlessly redelivered task is harmless."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction
from django_q.conf import Conf
from django_q.signals import post_execute_in_worker, pre_enqueue, pre_execute
from django_q.tasks import async_task

from backoffice.traced import NONE, request_id, this_request

OF_REQUEST = "request_id"
"""In a task, beside what django-q2 keeps there: the id of the request that asked for it."""


def nudge(function: str, cluster: str) -> None:
    """Ask a cluster to run `function` (a dotted path) once this transaction is committed.

    A broker in the database takes the task along with the transaction, and costs no commit of its own. Another that is
    away does not fail the request: a schedule nudges again within a minute.
    """
    if Conf.ORM == DEFAULT_DB_ALIAS and transaction.get_connection().in_atomic_block:
        async_task(function, cluster=cluster)
    else:
        transaction.on_commit(lambda: async_task(function, cluster=cluster), robust=True)


def connect() -> None:
    """Have a task carry the id of the request that asked for it to the worker, and into its lines of the log. One that
    the clock asked for has the task's own."""
    pre_enqueue.connect(_takes_the_id_along, dispatch_uid="backoffice.request_id_into_task")
    pre_execute.connect(_belongs_to_it, dispatch_uid="backoffice.request_id_of_task")
    post_execute_in_worker.connect(_is_over, dispatch_uid="backoffice.request_id_of_no_task")


def _takes_the_id_along(task: dict[str, Any], **kwargs: Any) -> None:
    task[OF_REQUEST] = this_request()


def _belongs_to_it(task: dict[str, Any], **kwargs: Any) -> None:
    request_id.set(task.get(OF_REQUEST) or task["id"])


def _is_over(**kwargs: Any) -> None:
    request_id.set(NONE)
