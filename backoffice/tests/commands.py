"""Management commands, each in a process of its own that does not import the libraries once more.

Importing them, and then our own apps, is most of what a short command takes. A process that has the libraries waits
beside the tests, and each command is a fork of it: that has read no settings yet, so it reads its own, and goes in by
the door of `manage.py`. Where an environment comes a second time, a process stands by that has read just this one's
settings and has the apps too, and the further commands are forks of that.
"""

import atexit
import importlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django

# What every command loads, whatever its settings say. One that is missing here costs its time, and nothing else.
LIBRARIES = [
    "django.core.management", "django.db.models", "django.forms", "django.http", "django.template", "asyncio",
    "csp.constants", "environ", "icalendar", "model_bakery", "numpy", "openpyxl", "PIL.Image", "psycopg",
    "pydicom.pixels", "tablib", "yaml",
]  # fmt: skip
# What most commands of these tests load beside the apps.
OURS = ["backoffice.urls", "clinic.tests.rush"]

forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(LIBRARIES)


def run(
    arguments: tuple[str, ...], environment: dict[str, str], root: Path, timeout: float
) -> subprocess.CompletedProcess:
    """`manage.py` of `root` with these arguments. Raises TimeoutExpired (seconds), as subprocess does."""
    with TemporaryDirectory() as folder:
        said = [Path(folder, name) for name in ("stdout", "stderr")]
        command = (arguments, environment, root, said)
        ready = _standing_by(environment, root)
        returncode = ready.run(command, timeout) if ready else _alone(command, timeout)
        return subprocess.CompletedProcess(arguments, returncode, *(path.read_text() for path in said))


def begin(arguments: tuple[str, ...], environment: dict[str, str], root: Path, said: Path) -> BaseProcess:
    """`manage.py` with these arguments, as the leader of a process group of its own: whoever begins it ends it."""
    process = forks.Process(target=_lead, args=(arguments, environment, root, [said, said]))
    process.start()
    return process


def _lead(*command: Any) -> None:
    os.setsid()
    _manage(*command)


def _alone(command: tuple, timeout: float) -> int:
    process = forks.Process(target=_manage, args=command)
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise subprocess.TimeoutExpired(command[0], timeout)
    return process.exitcode


def _manage(arguments: tuple[str, ...], environment: dict[str, str], root: Path, said: list[Path]) -> None:
    for stream, path in zip((sys.stdout, sys.stderr), said, strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream.fileno())
    _move_in(environment, root)
    sys.argv = ["manage.py", *arguments]
    runpy.run_path(str(root / "manage.py"), run_name="__main__")


def _move_in(environment: dict[str, str], root: Path) -> None:
    os.chdir(root)
    os.environ.clear()
    os.environ.update(environment)


# -- Standing by ------------------------------------------------------------------------------------------------------

MOST = 3  # one for each database, and one for a test with an environment of its own

_seen: set[frozenset] = set()
_ready: dict[frozenset, "StandBy"] = {}  # by when they were asked last


def _standing_by(environment: dict[str, str], root: Path) -> "StandBy | None":
    """Who has this environment's settings; None where it is met for the first time."""
    key = frozenset(environment.items())
    if key not in _seen:
        _seen.add(key)
        return None
    ready = _ready.pop(key, None) or StandBy(environment, root)
    while len(_ready) >= MOST:
        _ready.pop(next(iter(_ready))).close()  # not asked for longest
    _ready[key] = ready
    return ready


class StandBy:
    """A process that has set up Django by one environment, and forks itself for each command."""

    def __init__(self, environment: dict[str, str], root: Path) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self.process = forks.Process(target=_stand_by, args=(theirs, environment, root))
        self.process.start()
        theirs.close()
        atexit.register(self.close)  # before multiprocessing waits for its end

    def run(self, command: tuple, timeout: float) -> int:
        self.connection.send(command)
        pid = self.connection.recv()
        if not self.connection.poll(timeout):
            os.kill(pid, signal.SIGKILL)
            self.connection.recv()
            raise subprocess.TimeoutExpired(command[0], timeout)
        return self.connection.recv()

    def close(self) -> None:
        self.connection.close()
        self.process.join()


def _stand_by(connection: Connection, environment: dict[str, str], root: Path) -> None:
    _move_in(environment, root)
    django.setup()
    for name in OURS:
        importlib.import_module(name)
    fork = multiprocessing.get_context("fork")
    with suppress(EOFError):
        while True:
            process = fork.Process(target=_manage, args=connection.recv())
            process.start()
            connection.send(process.pid)
            process.join()
            connection.send(process.exitcode)
