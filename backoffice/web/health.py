"""Is the process up, and is it ready to work? Apps add their own checks in a `health.py` of theirs."""

from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from backoffice.discovery import Registry
from backoffice.files import modes
from backoffice.sealing import unreadable

Check = Callable[[], str | None]
"""Returns None where all is well, else a sentence that says what is wrong."""

check: Registry[Check] = Registry("health")
"""Registers a readiness check under a name: `@check("database")`."""

remark: Registry[Check] = Registry("health")
"""Registers what whoever looks should know, and what yet keeps nobody from working: it never makes the site unready."""


@check("database")
def database() -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return None


@check("migrations")
def migrations() -> str | None:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(missing)} migrations are not applied: run `manage.py migrate`." if missing else None


@check("move")
def moved_whole() -> str | None:
    """`move_database` notes in a schema of its own how far it is, and drops that at its end."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('database_move') IS NULL")
        [is_whole] = cursor.fetchone()
    return None if is_whole else "A move into this database has not ended: run `manage.py move_database` again."


@check("cache")
def cache_answers() -> str | None:
    cache.set("readyz", "yes", 10)
    return None if cache.get("readyz") == "yes" else "The cache does not keep what it is given."


@check("private files")
def files_are_private() -> str | None:
    count = len(modes.open_to_others())
    return f"Others on this machine can read {count} of our files: run `manage.py migrate`." if count else None


@check("sealed values")
def sealed_values_are_read() -> str | None:
    return unreadable.newest_that_is_not_read()


@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """The process is up."""
    return JsonResponse({"status": "ok"})


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Everything that a request or a job needs is there: 200, or 503 and a sentence for each thing that is not."""
    answers = _asked(check)
    ready = not any(answers.values())
    return JsonResponse(
        {
            "status": "ready" if ready else "not ready",
            "checks": {name: said or "ok" for name, said in answers.items()},
            "remarks": {name: said for name, said in _asked(remark).items() if said},
        },
        status=200 if ready else 503,
    )


def _asked(registry: Registry[Check]) -> dict[str, str | None]:
    answers: dict[str, str | None] = {}
    for name, function in registry.all().items():
        try:
            answers[name] = function()
        except Exception as error:  # whatever is broken, this page must say so
            answers[name] = f"{type(error).__name__}"
    return answers
