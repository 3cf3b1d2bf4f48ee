"""What runs and what failed in the background, on the first page: imports, mails that gave up, tasks that broke."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.db.models import Q
from django.utils import timezone
from django.utils.text import capfirst
from django_q.models import Failure, Task

from backoffice.access.gaps import gaps
from backoffice.access.roles import EXCHANGED_MODELS, may
from backoffice.backups import standing
from backoffice.imports import progress, uploads
from backoffice.jobs.scheduled_runs import why
from backoffice.jobs.schedules import told
from backoffice.live.blocks import block
from backoffice.models import Backup, Mail, TableImport, User
from backoffice.models.imports import TableImportQuerySet

SHOWN = 3
A_WEEK = timedelta(days=7)
MAY_IMPORT = may("import", *EXCHANGED_MODELS)


# An import shows to those who may see it, and how far it is stands in a file. So these two are computed at each look:
# one query, and it waits for nobody. On SQLite even the cache waits while an import is being written.


@block(order=4, permission="backoffice.change_role", template="backoffice/dashboard_gaps.html", every=60)
def gaps_in_roles(user: User) -> dict | None:
    """What is left to nobody, as the roles stand; None where there is nothing. It hangs on who has which, too."""
    left = list(gaps().values())
    return {"gaps": left} if left else None


@block(order=31, permission=MAY_IMPORT, template="backoffice/dashboard_imports.html", columns=5, every=5)
def imports(user: User) -> dict | None:
    """Files that a worker has, will have, or had and now waits for a person; None where there is none."""
    for_a_worker = Q(row_count=None) | Q(row_count__gt=uploads.SMALL)
    rows = seen_by(user, TableImport.objects.unfinished().filter(for_a_worker))
    return {"imports": [about(row) for row in rows]} if rows else None


@block(order=36, permission=MAY_IMPORT, template="backoffice/dashboard_failed_imports.html", columns=5, every=30)
def failed_imports(user: User) -> dict | None:
    """Imports that failed within a week and were not made up for, each with its reason; None where there is none."""
    failures = TableImport.objects.not_made_up_for().filter(finished_at__gt=timezone.now() - A_WEEK)
    rows = seen_by(user, failures)
    return {"imports": [about(row) for row in rows[:SHOWN]], "count": len(rows)} if rows else None


def seen_by(user: User, imports: TableImportQuerySet) -> list[TableImport]:
    """Those of them whose pages this user may open."""
    theirs = imports.seen_by(user).select_related("content_type", "uploaded_by").defer("details")
    return [row for row in theirs if row.has_table and user.has_perm(permission_to_import(row))]


def permission_to_import(row: TableImport) -> str:
    return f"{row.content_type.app_label}.{get_permission_codename('import', row.model._meta)}"


def about(row: TableImport) -> dict:
    table: Any = admin.site.get_model_admin(row.model)
    return {
        "row": row,
        "table": capfirst(row.model._meta.verbose_name_plural),
        "rows_done": progress.read(row) if row.is_at_work else None,
        "url": table.exchange_url("import_result", row.pk),
        "import_url": table.exchange_url("import"),
    }


@block(
    order=60,
    permission="backoffice.view_mail",
    models=[Mail],
    template="backoffice/dashboard_mails.html",
    columns=6,
    every=30,
)
def mails_given_up() -> dict | None:
    """Mails that the server refused again and again; None where there is none."""
    given_up = Mail.objects.given_up()
    mails = list(given_up.values("pk", "subject", "written_at", "error")[:SHOWN])
    return {"count": given_up.count(), "mails": mails} if mails else None


@block(
    order=62,
    permission=standing.MAY_READ,
    models=[Backup],
    template="backoffice/dashboard_backups.html",
    columns=6,
    every=60,
)
def backups() -> dict:
    """When the newest was made, when one was last restored in a drill, and what is amiss."""
    made, drilled = standing.newest(), standing.last_drilled()
    return {
        "amiss": list(map(str, standing.told_today())),
        "made_at": made and made.made_at,
        "size": made and made.size,
        "drilled_at": drilled and drilled.drilled_at,
        "is_whole": bool(drilled and drilled.is_drilled_whole),
        "differs": bool(drilled and drilled.findings),
    }


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
    rows = [
        {"pk": task.pk, "what": told(task.func), "stopped": task.stopped, "why": why(task)} for task in tasks[:SHOWN]
    ]
    return {"tasks": rows, "are_more": len(tasks) > SHOWN}
