"""How the tests run, and what every app's tests start with."""

import functools
import gc
import os
import sqlite3
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase, override_settings
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker, Settings
from simple_history.manager import HistoryManager

from backoffice.access import roles
from backoffice.models import User

pytest_plugins = ["backoffice.tests.installations", "backoffice.tests.browsers"]


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
