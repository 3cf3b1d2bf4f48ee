"""What keeps an installation in order: checks that the data agrees with itself, for `check_integrity`, and what is
taken out when its time is over, for `purge`. Each app adds its own in an `upkeep.py`:

@check("places")
def places_are_counted() -> Iterator[str]:
    for session in …:
        yield "Session 2026-11-23 morning: … Do this."

@purge("mails sent more than 30 days ago")
def sent_mails(*, dry_run: bool) -> int:
    return take_out(Mail.objects.filter(…), dry_run=dry_run)
"""

from collections.abc import Callable, Iterator

from django.db.models import QuerySet

from backoffice.discovery import Registry

Check = Callable[[], Iterator[str]]
"""Yields a sentence for each thing that differs: what it is, and what to do. Never a patient's name or data."""

check: Registry[Check] = Registry("upkeep")
"""Registers a check under the name that the command prints."""


# -- What has had its time --------------------------------------------------------------------------------------------

Purge = Callable[..., int]
"""Takes rows out, or with `dry_run` only counts them; returns how many."""

BATCH = 2000  # rows at once: a lock no longer than a page takes

purge: Registry[Purge] = Registry("upkeep")
"""Registers what takes something out, under the words that the command prints."""


def purge_all() -> dict[str, int]:
    """Take out everything that has had its time: the daily job."""
    return {what: function(dry_run=False) for what, function in purge.all().items()}


def take_out(rows: QuerySet, *, dry_run: bool) -> int:
    """Delete the rows a batch at a time, or only count them; returns how many those are, what goes with them apart."""
    if dry_run:
        return rows.count()
    gone = 0
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows.model._base_manager.filter(pk__in=keys).delete()
        gone += len(keys)
    return gone
