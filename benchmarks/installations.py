"""Empty installations for a benchmark to fill, gone afterwards."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def database(server: str | None) -> Iterator[dict[str, str]]:
    """The environment of an empty installation; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "DATABASE_"))}
        environment = {**kept, "DATA_DIR": folder, "DJANGO_SECRET_KEY": uuid.uuid4().hex, "DJANGO_DEBUG": "1"}
        if server is None:
            yield environment
            return
        import psycopg

        name = f"bench_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
            try:
                yield {**environment, "DATABASE_URL": f"{server.rsplit('/', 1)[0]}/{name}"}
            finally:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
