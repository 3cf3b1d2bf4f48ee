"""Tells whoever computed something from a model's rows that these rows have changed.

Each watched model has a version in the cache, which every process sees. A change gives it another one once it is
committed. Whoever computes reads the version first: what changes meanwhile makes the result old at once, never late.

A version is a random text, not a count: where the cache has forgotten it, an old one never comes back.
"""

import secrets
import threading
from collections.abc import Iterable
from typing import Any

from django.core.cache import cache
from django.db import models, transaction
from django.db.models.signals import post_delete, post_save

_watched: set[type[models.Model]] = set()

# A model noted in a transaction that was rolled back stays here until the next commit of this thread, and then gets a
# new version: needless, and right.
_this_thread = threading.local()


class WatchedQuerySet(models.QuerySet):
    """Rows written many at a time send no signal: these say so themselves."""

    def update(self, **values: Any) -> int:
        rows = super().update(**values)
        if rows:
            changed(self.model)
        return rows

    update.alters_data = True  # type: ignore[attr-defined]  # Django's mark for templates

    def bulk_create(self, *args: Any, **options: Any) -> list:
        rows = super().bulk_create(*args, **options)
        if rows:
            changed(self.model)
        return rows


def watch(*watched: type[models.Model]) -> None:
    """From now on, each change of these models' rows is told."""
    _watched.update(watched)
    for model in watched:
        for signal in (post_save, post_delete):
            signal.connect(tell_of_rows, sender=model, dispatch_uid="backoffice.live.versions")


def tell_of_rows(sender: type[models.Model], **kwargs: object) -> None:
    """For signals whose sender is the model."""
    changed(sender)


def changed(model: type[models.Model]) -> None:
    """Give the model another version when this transaction commits: once, however many of its rows were changed."""
    if model in _watched:
        _noted().add(model)
        # Registered each time, so that one survives a savepoint that is rolled back; the first that runs does it all.
        # A cache that is away must not undo the answer to what was done: robust.
        transaction.on_commit(_tell, robust=True)


def _noted() -> set[type[models.Model]]:
    if not hasattr(_this_thread, "noted"):
        _this_thread.noted = set()
    return _this_thread.noted


def _tell() -> None:
    noted = {_key(model): _new_version() for model in _noted()}
    _noted().clear()
    if noted:
        cache.set_many(noted, timeout=None)


def version_of(watched: Iterable[type[models.Model]]) -> str:
    """A text that differs from what it was before any of these models' rows changed."""
    keys = [_key(model) for model in watched]
    known = cache.get_many(keys)
    return " ".join(str(known.get(key) or cache.get_or_set(key, _new_version, timeout=None)) for key in keys)


def _key(model: type[models.Model]) -> str:
    return f"version:{model._meta.label_lower}"


def _new_version() -> str:
    return secrets.token_hex(8)
