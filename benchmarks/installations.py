"""Empty installations for a benchmark to fill, gone afterwards."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


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


def manage(environment: dict[str, str], *arguments: str) -> bytes:
    """What a command of `manage.py` prints there."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True).stdout


@contextmanager
def served(environment: dict[str, str]) -> Iterator[int]:
    """The port at which gunicorn serves such an installation, as in the Procfile, once it answers."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "backoffice.wsgi", "--bind", f"127.0.0.1:{port}"]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait()


@contextmanager
def at_work(environment: dict[str, str], log: Path) -> Iterator[tuple[int, dict[str, int]]]:
    """All that the Procfile starts, once the site answers: its port, and each process's id by its name there."""
    port = free_port()
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment = environment | {"BIND": f"127.0.0.1:{port}", "PATH": path}
    started = {}
    try:
        for line in (ROOT / "Procfile").read_text().splitlines():
            name, command = line.split(": ", 1)
            with log.open("ab") as written:
                started[name] = subprocess.Popen(
                    ["/bin/sh", "-c", f"exec env {command}"],
                    cwd=ROOT,
                    env=environment,
                    stdout=written,
                    stderr=written,
                    start_new_session=True,
                )
        wait_for(port)
        yield port, {name: process.pid for name, process in started.items()}
    finally:
        for process in started.values():
            process.terminate()
        for process in started.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def wait_for(port: int) -> None:
    for _attempt in repeat(None, 600):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise TimeoutError("the server did not start")
