"""What SQLite has in its log goes to the disk within the minute, where PostgreSQL writes it before it says "committed".

SQLite does so when the log has grown to 4 MB or the last connection closes; the web process keeps its connections, and
on a quiet day a power failure would take the bookings of hours along.
"""

from django.db import connection


def write_back() -> None:
    """As far as it can without keeping anybody waiting; what somebody still reads is written back a minute later."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
