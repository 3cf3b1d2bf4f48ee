"""The two caches of an installation, with JSON in the place of Django's pickle: see plain.py."""

import logging
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import DatabaseError, OperationalError, connections, models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from backoffice.live import plain

logger = logging.getLogger(__name__)

WRITES_FOR_A_COUNT = 100


def read(text: str | bytes) -> Any:
    """What is kept; None, as if it were not there, for what somebody else wrote."""
    try:
        return plain.loads(text)
    except (ValueError, TypeError, RecursionError):
        logger.warning("The cache holds something that this site did not write")
        return None


class JsonSerializer:
    """For Django's cache in Redis. A whole number stays one there, so that Redis can count it."""

    def dumps(self, value: Any) -> int | str:
        return value if type(value) is int else plain.dumps(value)

    def loads(self, text: bytes) -> Any:
        return read(text)


class JsonDatabaseCache(DatabaseCache):
    """Django's cache in a table, but for how a value is written and read; that pickles there, and offers no other way.

    A key is written by one statement, in which the database decides who comes first.
    """

    _table: str  # Django's

    def __init__(self, table: str, params: dict[str, Any]) -> None:
        super().__init__(table, params)
        self._writes = count()

    def keep_out_of_the_log(self) -> None:
        """On PostgreSQL, have the table unlogged: a write then waits for no disk. The table is empty after the database
        has crashed; a cache may forget."""
        connection = connections[router.db_for_write(self.cache_model_class)]
        if connection.vendor != "postgresql":
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT relpersistence FROM pg_class WHERE oid = to_regclass(%s)", [self._table])
            if cursor.fetchone() == ("p",):
                cursor.execute(f"ALTER TABLE {connection.ops.quote_name(self._table)} SET UNLOGGED")

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        named = {self.make_and_validate_key(key, version=version): key for key in keys}
        if not named:
            return {}
        connection = connections[router.db_for_read(self.cache_model_class)]
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT cache_key, value, expires FROM {connection.ops.quote_name(self._table)} "  # noqa: S608
                f"WHERE cache_key IN ({', '.join(['%s'] * len(named))})",
                list(named),
            )
            rows = cursor.fetchall()
        now = timezone.now()
        fresh = {key: text for key, text, expires in rows if self._moment(expires, connection) >= now}
        self._base_delete_many([key for key, _text, _expires in rows if key not in fresh])  # type: ignore[attr-defined]  # Django's
        found = {named[key]: read(text) for key, text in fresh.items()}
        return {key: value for key, value in found.items() if value is not None}

    def touch(self, key: str, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        connection = connections[router.db_for_write(self.cache_model_class)]
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {connection.ops.quote_name(self._table)} SET expires = %s WHERE cache_key = %s",  # noqa: S608
                [self._expires(timeout, connection), self.make_and_validate_key(key, version=version)],
            )
            return bool(cursor.rowcount)

    def set_many(
        self, data: Mapping[str, Any], timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[str]:
        """Returns the keys that could not be kept: none of these or all."""
        texts = {self.make_and_validate_key(key, version=version): plain.dumps(value) for key, value in data.items()}
        return [] if not texts or self._write(texts, timeout) else list(data)

    def _base_set(self, mode: str, key: str, value: object, timeout: float | None = DEFAULT_TIMEOUT) -> bool:
        """False where the key is there already (mode "add"), or the database could not take it."""
        return self._write({key: plain.dumps(value)}, timeout, only_free=mode == "add")

    def _write(self, texts: Mapping[str, str], timeout: float | None, *, only_free: bool = False) -> bool:
        """Each write is a commit of its own, unless it is part of a larger one; the rows in the order of their keys, so
        that two who write several never wait for each other."""
        database = router.db_for_write(self.cache_model_class)
        connection = connections[database]
        table = connection.ops.quote_name(self._table)
        now = timezone.now().replace(microsecond=0)
        expires = self._expires(timeout, connection)
        is_free = f"WHERE {table}.expires < %s" if only_free else ""
        with connection.cursor() as cursor:
            self._make_room(database, cursor, now)
            try:
                # A statement that fails would take a transaction around it along.
                with transaction.atomic(using=database) if connection.in_atomic_block else nullcontext():
                    cursor.execute(
                        f"INSERT INTO {table} (cache_key, value, expires) "  # noqa: S608
                        f"VALUES {', '.join(['(%s, %s, %s)'] * len(texts))} "
                        "ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires "
                        + is_free,
                        [part for key, text in sorted(texts.items()) for part in (key, text, expires)]
                        + ([connection.ops.adapt_datetimefield_value(now)] if is_free else []),
                    )
                    return bool(cursor.rowcount)
            except DatabaseError:
                return False  # as Django's own: a cache may forget

    def count_up(self, limits: Mapping[str, int], timeout: float) -> bool:
        """Count one more under each of these keys; False, and none is counted, where one has reached its limit. One
        transaction for all, so that they wait for SQLite's one writer once; in the order of their keys, as above."""
        database = router.db_for_write(self.cache_model_class)
        connection = connections[database]
        table = connection.ops.quote_name(self._table)
        now = timezone.now().replace(microsecond=0)
        expires, is_over = self._expires(timeout, connection), connection.ops.adapt_datetimefield_value(now)
        with connection.cursor() as cursor:
            self._make_room(database, cursor, now)
            try:
                with transaction.atomic(using=database):
                    for key, limit in sorted(limits.items()):
                        cursor.execute(
                            f"INSERT INTO {table} (cache_key, value, expires) VALUES (%s, '1', %s) "  # noqa: S608
                            "ON CONFLICT (cache_key) DO UPDATE SET expires = excluded.expires, "
                            f"value = CASE WHEN {table}.expires < %s THEN '1' "
                            f"ELSE CAST(CAST({table}.value AS integer) + 1 AS text) END "
                            f"WHERE {table}.expires < %s OR CAST({table}.value AS integer) < %s",
                            [self.make_and_validate_key(key), expires, is_over, is_over, limit],
                        )
                        if not cursor.rowcount:
                            transaction.set_rollback(True, using=database)
                            return False
                    return True
            except OperationalError:
                raise  # away, busy or full: nobody is told for that that they have had their share
            except DatabaseError:
                return False  # as in any other write

    def _make_room(self, database: str, cursor: CursorWrapper, now: datetime) -> None:
        """Counting reads the whole table, so not at every write: some more entries than the most do no harm."""
        if next(self._writes) % WRITES_FOR_A_COUNT:
            return
        cursor.execute(f"SELECT COUNT(*) FROM {connections[database].ops.quote_name(self._table)}")  # noqa: S608
        [entries] = cursor.fetchone()
        if entries > self._max_entries:
            self._cull(database, cursor, now, entries)  # type: ignore[attr-defined]  # Django's

    def _expires(self, timeout: float | None, connection: BaseDatabaseWrapper) -> Any:
        at = self.get_backend_timeout(timeout)
        moment = datetime.max if at is None else datetime.fromtimestamp(at, tz=UTC)
        return connection.ops.adapt_datetimefield_value(moment.replace(microsecond=0))

    @staticmethod
    def _moment(expires: Any, connection: BaseDatabaseWrapper) -> datetime:
        """SQLite gives back a text, PostgreSQL a moment."""
        expression = models.Expression(output_field=models.DateTimeField())
        for converter in connection.ops.get_db_converters(expression):
            expires = converter(expires, expression, connection)
        return expires
