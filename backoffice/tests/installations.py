"""Whole installations, with real processes: a database, a data folder and an environment of their own."""

import fcntl
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import psycopg
import pytest
import redis

from backoffice.tests import commands

ROOT = Path(__file__).parents[2]
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9")
POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")

BUSY = 600  # seconds that anything may take on a machine that is busy with other things


def leave_out(why: str) -> None:
    """Skip in one line, or fail where CI promised that nothing is missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have this: {why}")
    pytest.skip(why)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Installation:
    """A database, a data folder and an environment of its own, for tests that start real processes."""

    def __init__(self, data_dir: Path, database_url: str | None = None, **environment: str) -> None:
        self.data_dir = data_dir
        self.database_url = database_url
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("DJANGO_", "DATABASE_", "REDIS_", "PYTEST_"))
            },
            "DJANGO_SETTINGS_MODULE": "backoffice.settings",
            "DJANGO_DEBUG": "1",
            "DATA_DIR": str(data_dir),
            "DJANGO_SECRET_KEY": "of-this-test-alone",
            **({"DATABASE_URL": database_url} if database_url else {}),
            **environment,
        }
        self.networks: commands.Networks | None = None
        self._started: list[subprocess.Popen | BaseProcess | commands.Begun] = []

    def manage(self, *arguments: str, **environment: str) -> str:
        """Run a management command to its end; returns what it printed, fails the test where it fails."""
        done = commands.run(arguments, {**self.environment, **environment}, ROOT, BUSY, self.networks)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, code: str) -> str:
        """Run code with Django set up; returns what it printed."""
        return self.manage("shell", "--no-imports", "-c", code)

    def query(self, sql: str) -> list[tuple]:
        """Look into the database from outside, as often as need be."""
        if self.database_url:
            with psycopg.connect(self.database_url) as connection:
                return connection.execute(sql).fetchall()
        with closing(sqlite3.connect(self.data_dir / "db.sqlite3", timeout=20)) as connection:
            return connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        """Change the database from outside."""
        if self.database_url:
            with psycopg.connect(self.database_url) as connection:
                connection.execute(sql)
        else:
            with closing(sqlite3.connect(self.data_dir / "db.sqlite3", timeout=20)) as file, file:
                file.execute(sql)

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Fails the test, with what the processes wrote, where it does not come. Each look costs a connection."""
        deadline = time.monotonic() + BUSY
        while not condition():
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.1)

    def start(self, *arguments: str, **environment: str) -> BaseProcess | commands.Begun:
        """Start a management command as the leader of a process group of its own; it is ended with the test."""
        process = commands.begin(arguments, {**self.environment, **environment}, ROOT, self._log(), self.networks)
        self._started.append(process)
        return process

    def serve(self, application: str = "backoffice.wsgi", **environment: str) -> tuple[subprocess.Popen, int]:
        """Start the server as the Procfile does, and wait until it answers: its master's process, and the port."""
        port = free_port()
        environment |= {"BIND": f"127.0.0.1:{port}"}
        with open(self._log(), "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", application],
                env={**self.environment, **environment},
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(process)
        deadline = time.monotonic() + BUSY
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as one:
                one.sendall(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                if b" 200 " in one.recv(100):
                    return process, port
            time.sleep(0.05)
        pytest.fail(self.logs())

    def _log(self) -> Path:
        return self.data_dir / f"process-{len(self._started)}.log"

    def kill(self, process: subprocess.Popen | BaseProcess | commands.Begun) -> None:
        """kill -9 for the process and everything it forked."""
        assert process.pid
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()  # where it leads no group yet
        process.wait() if isinstance(process, subprocess.Popen) else process.join()

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace")[-4000:] for path in self.data_dir.glob("process-*.log"))

    def close(self) -> None:
        for process in self._started:
            self.kill(process)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[psycopg.Connection]:
    try:
        server = psycopg.connect(POSTGRES_URL, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        leave_out("no PostgreSQL at TEST_POSTGRES_URL (127.0.0.1:5432): its tests are left out")
    with server:
        yield server


def create_database(server: psycopg.Connection, template: str = "template1", name: str = "") -> str:
    name = name or f"collimator_{uuid.uuid4().hex[:12]}"
    server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return name


def drop_database(server: psycopg.Connection, name: str) -> None:
    server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def postgres_database(server: psycopg.Connection, template: str = "template1", name: str = "") -> Iterator[str]:
    """A database of its own, dropped afterwards; yields its name."""
    name = create_database(server, template, name)
    try:
        yield name
    finally:
        drop_database(server, name)


@pytest.fixture
def redis_url() -> Iterator[str]:
    """One of Redis's numbered databases, emptied before and after."""
    client = redis.Redis.from_url(REDIS_URL, socket_connect_timeout=3)
    try:
        client.flushdb()
    except redis.ConnectionError:
        leave_out("no Redis at TEST_REDIS_URL (127.0.0.1:6379): its tests are left out")
    yield REDIS_URL
    client.flushdb()
    client.close()


def postgres_url(name: str) -> str:
    return f"{POSTGRES_URL.rsplit('/', 1)[0]}/{name}"


def migrate(installation: Installation) -> None:
    installation.manage("migrate", "--verbosity", "0")


# Migrating takes longer than most tests that need it: each kind of database is migrated once, by the first process of
# this run that wants it, and copied.


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time. Closing the file lets go, as does dying."""
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for all processes of this run."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def migrated_sqlite(shared_folder: Path) -> Path:
    folder = shared_folder / "migrated-sqlite"
    with locked(shared_folder / "migrated-sqlite.lock"):
        if not folder.exists():
            folder.mkdir()
            migrate(Installation(folder))
    return folder / "db.sqlite3"


@pytest.fixture(scope="session")
def migrated_postgres(
    postgres_server: psycopg.Connection, shared_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The name of a database to copy; the last process that is done with it drops it."""
    note, lock = shared_folder / "migrated-postgres", shared_folder / "migrated-postgres.lock"
    with open(shared_folder / "migrated-postgres.users", "a") as users:
        with locked(lock):
            if not note.exists():
                note.write_text(create_database(postgres_server))
                migrate(Installation(tmp_path_factory.mktemp("migrated"), postgres_url(note.read_text())))
            fcntl.flock(users, fcntl.LOCK_SH)
        yield note.read_text()
        with locked(lock), suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: somebody else still uses it
            drop_database(postgres_server, note.read_text())
            note.unlink()


@pytest.fixture(scope="session")
def _own_place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Where this process has its installations, one after another: a command that finds the environment of the one
    before starts in no time (backoffice/tests/commands.py)."""
    return tmp_path_factory.mktemp("installations"), f"collimator_{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def networks(shared_folder: Path) -> commands.Networks:
    """For an installation whose commands need torch: they are forks of a process that has it."""
    return commands.Networks(shared_folder / "networks", ROOT)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def installation(request: pytest.FixtureRequest, _own_place: tuple[Path, str]) -> Iterator[Installation]:
    """A migrated, empty installation, once on SQLite and once on PostgreSQL."""
    folder, database = _own_place
    data_dir = folder / request.param
    (data_dir / "static").mkdir(parents=True)  # as the settings make it, which are not read anew for each command
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, data_dir)
        if request.param == "postgres":
            template = request.getfixturevalue("migrated_postgres")
            server = request.getfixturevalue("postgres_server")
            stack.enter_context(postgres_database(server, template, database))
            made = Installation(data_dir, postgres_url(database))
        else:
            shutil.copy(request.getfixturevalue("migrated_sqlite"), data_dir)
            made = Installation(data_dir)
        stack.callback(made.close)
        yield made
