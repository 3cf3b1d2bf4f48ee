"""What failed in the background, on the administrators' first page: mails that gave up, and tasks that broke."""

from django_q.models import Failure, Task

from backoffice.blocks import block
from backoffice.models import Notice

SHOWN = 3


@block(
    order=60,
    permission="backoffice.view_notice",
    models=[Notice],
    template="backoffice/dashboard_mails.html",
    columns=6,
    every=30,
)
def mails_given_up() -> dict | None:
    """Mails that the server refused again and again; None where there is none."""
    given_up = Notice.objects.given_up()
    mails = list(given_up.values("pk", "subject", "written_at", "error")[:SHOWN])
    return {"count": given_up.count(), "mails": mails} if mails else None


@block(
    order=65,
    permission="django_q.view_failure",
    models=[Task, Failure],
    template="backoffice/dashboard_tasks.html",
    columns=6,
    every=30,
)
def broken_tasks() -> dict | None:
    """Tasks that ended in an error; None where there is none."""
    tasks = list(Failure.objects.order_by("-stopped")[: SHOWN + 1])
    if not tasks:
        return None
    rows = [{"pk": task.pk, "func": task.func, "stopped": task.stopped, "why": why(task)} for task in tasks[:SHOWN]]
    return {"tasks": rows, "are_more": len(tasks) > SHOWN}


def why(task: Failure) -> str:
    """The error alone: django-q keeps the whole traceback behind it."""
    return str(task.result or "").partition(" : Traceback")[0][:200]
