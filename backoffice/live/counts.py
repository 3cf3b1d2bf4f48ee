"""Counts in the cache that never go beyond their limits, whoever counts at once."""

from collections.abc import Mapping

from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.core.cache.backends.base import BaseCache

from backoffice.live.caches import JsonDatabaseCache


def count_up(limits: Mapping[str, int], *, timeout: int) -> bool:
    """Count one more under each of these keys, for so many seconds from the last; False, and none is counted, where one
    has reached its limit."""
    cache = caches[DEFAULT_CACHE_ALIAS]
    counted = cache.get_many(limits)  # who has had their share is told so without a write
    if any(isinstance(counted.get(key), int) and counted[key] >= limit for key, limit in limits.items()):
        return False
    if isinstance(cache, JsonDatabaseCache):
        return cache.count_up(limits, timeout)
    return _count_one_by_one(cache, limits, timeout)


def _count_one_by_one(cache: BaseCache, limits: Mapping[str, int], timeout: int) -> bool:
    """Where `incr` is atomic, as in Redis: what was counted beyond a limit, or beside one, is given back."""
    counted = []
    for key, limit in limits.items():
        cache.add(key, 0, timeout)
        counted.append(key)
        if cache.incr(key) > limit:
            for key_to_give_back in counted:
                cache.decr(key_to_give_back)
            return False
    return True
