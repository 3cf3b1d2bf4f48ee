"""The web process opens SQLite's file once, not at each request; what it commits is on the disk within the minute."""

import shutil
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path

KEPT = "SELECT value FROM cache WHERE cache_key = 'it'"


def in_the_file_alone(database: Path) -> list[tuple]:
    """What a power failure would leave at the worst: the file without its log."""
    alone = shutil.copy(database, database.with_name("alone.sqlite3"))
    with closing(sqlite3.connect(alone)) as connection:
        return connection.execute(KEPT).fetchall()


def test_a_connection_stays_open_between_requests_and_what_is_committed_is_written_back_all_the_same(installation):
    if installation.database_url:
        return  # PostgreSQL sees to both
    _server, port = installation.serve()
    urllib.request.urlopen(f"http://127.0.0.1:{port}/book/").close()
    database = installation.data_dir / "db.sqlite3"
    assert database.with_name("db.sqlite3-wal").exists(), "the last connection was closed"
    installation.execute("INSERT INTO cache VALUES ('it', '1', '2999-01-01 00:00:00')")
    assert in_the_file_alone(database) == []
    installation.python("from backoffice.jobs.sqlite_checkpoint import write_back; write_back()")
    assert in_the_file_alone(database) == [("1",)]
