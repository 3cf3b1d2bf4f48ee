"""Fixtures for every app's tests: what the machine offers, and whole installations with real processes."""

import asyncio
import fcntl
import functools
import gc
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from django.test import Client, TransactionTestCase, override_settings
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django import DjangoDbBlocker, Settings
from pytest_django.live_server_helper import LiveServer
from simple_history.manager import HistoryManager

from backoffice.access import roles
from backoffice.models import User
from backoffice.tests import commands

ROOT = Path(__file__).parent
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9")
POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")

BUSY = 600  # seconds that anything may take on a machine that is busy with other things


def leave_out(why: str) -> None:
    """Skip in one line, or fail where CI promised that nothing is missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have this: {why}")
    pytest.skip(why)


@pytest.hookimpl(optionalhook=True)  # also where pytest-xdist is left out
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: twice as many as there are cores, for tests of real processes wait half of their time."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each process of the run begins with its share of what takes long, whole files of it, and ends with what does not:
    that is what others can take off it to the end. Every second one begins with what waits for other processes."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow: dict[Path, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("slow"):
            slow.setdefault(item.path, []).append(item)
    shares: list[list[pytest.Item]] = [[] for _process in range(processes)]
    for file in sorted(slow.values(), key=len, reverse=True):
        min(shares, key=len).extend(file)
    quick = [item for item in items if not item.get_closest_marker("slow")]
    left = len(items)
    items.clear()
    for number, share in enumerate(shares):
        size = left // (processes - number)  # as pytest-xdist cuts them off
        left -= size
        some, quick = quick[: size - len(share)], quick[size - len(share) :]
        items += sorted(share, key=lambda item: waits(item) == bool(number % 2)) + some
    items += quick


def waits(item: pytest.Item) -> bool:
    """Whether most of its time is that of other processes."""
    return not {"installation", "database"}.isdisjoint(getattr(item, "fixturenames", ()))


def pytest_configure() -> None:
    # Before torch is there. Its threads wait by spinning, and tests run on every core already: twice the work was lost.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Workers that tests start have better things to do than to time what their tiny models are fastest by.
    os.environ.setdefault("INFERENCE_TUNING", "0")
    # Every process of the run would compile every file again, pytest its own form of the tests among them.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # A class is made at each look at a history: a thirtieth of all that most tests do.
    HistoryManager.from_queryset = functools.cache(HistoryManager.from_queryset)
    # How long an example takes says how busy the machine is.
    hypothesis_settings.register_profile(
        "busy", parent=hypothesis_settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    hypothesis_settings.load_profile("busy")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What was imported stays to the end: looking for garbage in it, again and again, took a tenth of each process."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)  # what one test leaves is little beside what a process of tests may hold
        gc.enable()


# -- The usual test ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def _settings_of_tests(django_test_environment: None) -> Iterator[None]:
    with override_settings(
        # Test clients speak plain HTTP, and are faster than any person.
        SECURE_SSL_REDIRECT=False,
        BOOKING_MIN_SECONDS=0,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # the real ones are slow on purpose
        STORAGES={
            **django_settings.STORAGES,
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
    ):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A test that commits leaves the database as it found it: as a copy of what there was before the first test.
    Django would empty each table, and then make every permission and role once more, which took a tenth of such tests.
    """
    if connection.vendor != "sqlite":  # DATABASE_URL names another
        yield
        return
    with closing(sqlite3.connect(":memory:")) as before, pytest.MonkeyPatch.context() as patched:
        with django_db_blocker.unblock():
            connection.ensure_connection()
        connection.connection.backup(before)

        def leave_as_found(_test: TransactionTestCase) -> None:
            before.backup(connection.connection)
            ContentType.objects.clear_cache()

        patched.setattr(TransactionTestCase, "_fixture_teardown", leave_as_found)
        yield


@pytest.fixture(autouse=True)
def _files_of_this_test(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def _forget_the_language() -> Iterator[None]:
    """What a request of one test was answered in is not what the next one starts with."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _forget_the_cache(request: pytest.FixtureRequest) -> None:
    """The cache is a table here: only tests with a database have one to empty."""
    if "db" in request.fixturenames or "transactional_db" in request.fixturenames:
        request.getfixturevalue("db" if "db" in request.fixturenames else "transactional_db")
        cache.clear()


def _person(role: str, django_user_model: type[User]) -> User:
    person = django_user_model.objects.create_user(role.lower().replace(" ", ""), is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    return person


@pytest.fixture
def administrator(db: None, django_user_model: type[User]) -> User:
    return _person(roles.ADMINISTRATORS, django_user_model)


@pytest.fixture
def front_desk(db: None, django_user_model: type[User]) -> User:
    return _person(roles.FRONT_DESK, django_user_model)


@pytest.fixture
def clinician(db: None, django_user_model: type[User]) -> User:
    return _person(roles.CLINICIANS, django_user_model)


@pytest.fixture(scope="session")
def real_files() -> Path:
    """The folder with real X-rays, DICOM files, hostile pictures and broken spreadsheets."""
    folder = os.environ.get("REAL_FILES_DIR")
    if not folder:
        pytest.skip("REAL_FILES_DIR is not set: tests on real files are left out")
    return Path(folder)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


# -- Whole installations ----------------------------------------------------------------------------------------------


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


# -- A real browser ---------------------------------------------------------------------------------------------------

CHROMIUM = Path("/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def _started_chromium() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    """One browser for each process of the run: starting it takes longer than most tests in it."""
    if not CHROMIUM.exists():
        leave_out(f"no Chromium at {CHROMIUM}: the tests in a browser are left out")
    expect.set_options(timeout=30_000)  # ms, as long as Playwright waits for all else
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture(scope="module")
def chromium(_started_chromium: tuple[Browser, asyncio.AbstractEventLoop]) -> Iterator[Browser]:
    """The browser, for the tests of a file.

    Playwright's event loop runs in this thread, so Django takes the tests for asynchronous code, which they are not.
    The loop rests between the files: those without a browser keep Django's guard.
    """
    browser, loop = _started_chromium
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        asyncio._set_running_loop(loop)
        yield browser
        for context in browser.contexts:
            context.close()
        asyncio._set_running_loop(None)


@pytest.fixture
def browser_page(chromium: Browser, live_server: LiveServer, settings: Settings) -> Iterator[Page]:
    """A page of 390 × 844 px, of somebody who has never been here, and likes nothing that moves.

    The test fails where the page asks another host for anything, or writes an error to the console.
    """
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    asked: list[str] = []
    errors: list[str] = []
    page = chromium.new_page(
        base_url=live_server.url, viewport={"width": 390, "height": 844}, locale="en", reduced_motion="reduce"
    )
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    for context in chromium.contexts:  # a test may have opened more
        context.close()
    assert [url for url in asked if not url.startswith((live_server.url, "data:"))] == []
    assert errors == []


@pytest.fixture
def page_of(browser_page: Page, live_server: LiveServer, client: Client) -> Callable[[User], Page]:
    """The browser's page, of this person, who has signed in by another way than its form."""

    def signed_in(person: User) -> Page:
        client.force_login(person)
        session = client.cookies["sessionid"].value
        browser_page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        return browser_page

    return signed_in
