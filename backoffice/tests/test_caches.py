"""What the caches keep is JSON: whoever writes into one runs nothing here."""

import base64
import pickle
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import psycopg
import pytest
import redis
from django.core.cache import cache, caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice.live import plain
from backoffice.live.blocks import blocks
from backoffice.live.caches import WRITES_FOR_A_COUNT
from backoffice.live.charts import Bar, Chart, Series
from backoffice.live.counts import count_up

VALUES = [
    True,
    0,
    "a text",
    ["1", 2.5, None],
    {"at": datetime(2026, 11, 23, 9, tzinfo=timezone.get_default_timezone()), "day": date(2026, 11, 23)},
    {"opens": time(9), "share": Decimal("0.75")},
    {"chart": Chart("x", "t", "s", "day", [Series("a", "tone-main")], [Bar("Mon", "1", [1, 2])])},
]


class Bomb:
    """Unpickled, it would call this."""

    def __reduce__(self):
        return (pytest.fail, ("something was unpickled",))


@pytest.fixture(params=["table", pytest.param("redis", marks=pytest.mark.redis)])
def a_cache(request, db, settings):
    """Each of the two caches, and how somebody else writes into it."""
    if request.param == "table":
        return cache, _write_to_table
    url = request.getfixturevalue("redis_url")
    options = {"serializer": "backoffice.live.caches.JsonSerializer"}
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url, "OPTIONS": options}
    }
    return caches["default"], lambda key, raw: redis.Redis.from_url(url).set(cache.make_key(key), raw)


def _write_to_table(key: str, raw: bytes) -> None:
    cache.set(key, "ours")
    with connection.cursor() as cursor:
        text = base64.b64encode(raw).decode() if raw.startswith(b"\x80") else raw.decode()  # as Django's own writes
        cursor.execute("UPDATE cache SET value = %s WHERE cache_key = %s", [text, cache.make_key(key)])


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_what_is_kept_comes_back_as_it_was(a_cache, value):
    kept, _write = a_cache
    kept.set("it", value)
    assert kept.get("it") == value


@pytest.mark.parametrize("raw", [pickle.dumps(Bomb()), b"no JSON", b'{"kind of":"eval","value":"1"}', b"[" * 100_000])
def test_what_somebody_else_wrote_is_as_if_it_were_not_there_and_runs_nothing(a_cache, client, raw):
    kept, write = a_cache
    for key in ("readyz", "a.moment"):
        write(key, raw)
        assert kept.get(key) is None
    assert client.get("/readyz").json()["checks"]["cache"] == "ok"


def test_what_cannot_be_kept_is_refused_when_it_is_written(a_cache):
    with pytest.raises(TypeError, match="nothing that the cache keeps"):
        a_cache[0].set("it", Bomb())


def test_one_of_two_adds_a_key_until_its_time_is_over(a_cache):
    kept, _write = a_cache
    assert (kept.add("it", 1), kept.add("it", 2), kept.get("it")) == (True, False, 1)
    kept.set("it", 3)
    assert kept.get("it") == 3
    kept.set("gone", 1, timeout=-1)
    assert kept.get("gone") is None
    assert kept.add("gone", 2)
    assert kept.get_many(["it", "gone", "never"]) == {"it": 3, "gone": 2}


def test_several_values_are_kept_by_one_statement(db):
    cache.set_many({"other": 0, "it": 0})
    with CaptureQueriesContext(connection) as asked:
        assert cache.set_many({"other": 1, "it": [2]}, timeout=None) == []
    assert sum("INSERT" in query["sql"] for query in asked) == 1
    assert cache.get_many(["it", "other"]) == {"it": [2], "other": 1}


def test_a_count_goes_to_its_limit_and_begins_anew_when_its_time_is_over(a_cache):
    assert [count_up({"it": 2}, timeout=60) for _time in range(3)] == [True, True, False]
    a_cache[0].set("it", 2, timeout=-1)
    assert [count_up({"it": 2}, timeout=60) for _time in range(3)] == [True, True, False]


def test_of_several_counts_all_go_up_or_none(a_cache, monkeypatch):
    assert count_up({"full": 1, "it": 5}, timeout=60)
    assert not count_up({"a": 1, "full": 1, "it": 5}, timeout=60)
    # …also where the limit was reached after this one looked
    monkeypatch.setattr(type(caches["default"]), "get_many", lambda self, keys: {})
    assert not count_up({"a": 1, "full": 1, "it": 5}, timeout=60)
    monkeypatch.undo()
    assert (a_cache[0].get("it"), a_cache[0].get("full"), a_cache[0].get("a") or 0) == (1, 1, 0)


def test_a_table_with_too_many_entries_is_cut_back(db, settings):
    settings.CACHES = {"default": settings.CACHES["default"] | {"OPTIONS": {"MAX_ENTRIES": 20}}}
    for number in range(3 * WRITES_FOR_A_COUNT):
        cache.set(f"{number}", number)
    with connection.cursor() as cursor:
        assert cursor.execute("SELECT COUNT(*) FROM cache").fetchone()[0] < 3 * WRITES_FOR_A_COUNT


def test_a_write_waits_for_no_disk(installation):
    """On PostgreSQL; on SQLite none does."""
    if not installation.database_url:
        return
    with psycopg.connect(installation.database_url) as database:
        database.execute("ALTER TABLE cache SET LOGGED")  # as in an older installation
    installation.python("from backoffice.apps import make_cache_table; make_cache_table('default')")
    assert installation.query("SELECT relpersistence FROM pg_class WHERE relname = 'cache'") == [("u",)]


def test_what_every_block_shows_can_be_kept(db):
    for block in blocks.all().values():
        if block.models:
            shown = block.compute()
            assert plain.loads(plain.dumps(shown)) == shown, block.key


def test_a_moment_comes_back_as_one(a_cache):
    a_cache[0].set("a.moment", timezone.now(), timeout=None)
    assert timezone.now() - a_cache[0].get("a.moment") < timedelta(minutes=1)
