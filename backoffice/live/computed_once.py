"""Computes something once for everybody who asks, until it is out of date."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache import cache

logger = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds that others wait for whoever computes; then they do it themselves
LOOK_EVERY = 0.05
LONG = 1.0  # seconds of computing
LOCK_SECONDS = 10  # longer than any of it takes; whoever dies over it keeps nobody waiting longer


def computed_once(
    key: str, compute: Callable[[], Any], *, version: Callable[[], str], seconds: int, worth: float = 0
) -> Any:
    """What `compute` gave for this version, at most so many seconds ago. Where many ask at once, one computes.

    What took LONG is good for another version too, for `worth` times as long as it took: computed anew at each change,
    it would be computed all the time. Works without the cache too: then everybody computes.
    """
    try:
        now = version()
        found, mine = _found_or_locked(key, now)
    except Exception as error:  # each kind of cache has errors of its own
        logger.warning("The cache does not answer (%s): %s is computed anew", type(error).__name__, key)
        return compute()
    if found:
        return found[1]
    try:
        began = time.monotonic()
        value = compute()
        took = time.monotonic() - began
        good_until = time.time() + worth * took if took > LONG else 0.0
        _keep(key, (now, value, good_until), seconds)
    finally:
        if mine:
            _unlock(key)
    return value


def _found_or_locked(key: str, version: str) -> tuple[tuple | None, bool]:
    """(what is in the cache, False), or (None, whether we are the one to compute it)."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = cache.get(key)
        if found and (found[0] == version or found[2] > time.time()):
            return found, False
        if cache.add(f"{key}:lock", True, LOCK_SECONDS):
            return None, True
        time.sleep(LOOK_EVERY)
    return None, False


def _keep(key: str, value: tuple, seconds: int) -> None:
    try:
        cache.set(key, value, seconds)
    except Exception as error:
        logger.warning("The cache does not take %s (%s)", key, type(error).__name__)


def _unlock(key: str) -> None:
    try:
        cache.delete(f"{key}:lock")
    except Exception as error:
        logger.warning("The cache does not forget %s (%s)", key, type(error).__name__)
