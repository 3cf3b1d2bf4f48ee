"""Management commands, each in a process of its own that does not import the libraries once more.

Importing them, and then our own apps, is most of what a short command takes. A process that has the libraries waits
beside the tests, and each command is a fork of it: that has read no settings yet, so it reads its own, and goes in by
the door of `manage.py`. Where an environment comes a second time, a process stands by that has read just this one's
settings and has the apps too, and the further commands are forks of that.

Commands that compute with networks would load torch each time, which takes longer than what they do: these are forks
of a process that has it, one for all processes of the run (`Networks`).
"""

import atexit
import fcntl
import importlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Client, Connection, Listener
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

# What those with networks load beside.
NETWORKS = ["cv2", "safetensors.torch", "torch"]

forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(LIBRARIES)


def run(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    root: Path,
    timeout: float,
    networks: "Networks | None" = None,
) -> subprocess.CompletedProcess:
    """`manage.py` of `root` with these arguments. Raises TimeoutExpired (seconds), as subprocess does."""
    with TemporaryDirectory() as folder:
        said = [Path(folder, name) for name in ("stdout", "stderr")]
        command = (arguments, environment, root, said)
        if networks:
            returncode = _ended(networks.begin(command), arguments, timeout)
        elif ready := _standing_by(environment, root):
            returncode = ready.run(command, timeout)
        else:
            process = forks.Process(target=_manage, args=command)
            process.start()
            returncode = _ended(process, arguments, timeout)
        return subprocess.CompletedProcess(arguments, returncode, *(path.read_text() for path in said))


def begin(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    root: Path,
    said: Path,
    networks: "Networks | None" = None,
) -> "BaseProcess | Begun":
    """`manage.py` with these arguments, as the leader of a process group of its own: whoever begins it ends it."""
    command = (arguments, environment, root, [said, said])
    if networks:
        return networks.begin(command)
    process = forks.Process(target=_lead, args=command)
    process.start()
    return process


def _lead(*command: Any) -> None:
    os.setsid()
    _manage(*command)


def _ended(process: "BaseProcess | Begun", arguments: tuple[str, ...], timeout: float) -> int:
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise subprocess.TimeoutExpired(arguments, timeout)
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


# -- With networks ----------------------------------------------------------------------------------------------------


class Networks:
    """A process that has torch and timm, which it has computed nothing with: its forks may.

    Whoever of the run wants it first starts it, and it ends when the last who wanted it has. Between them is a socket
    in `folder`: what is sent to it is a command, and what comes back its process's number, then how that ended.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.address = str(folder / "socket")
        self._user = open(folder / "users", "a")  # noqa: SIM115  (held until this process ends)
        with open(folder / "lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            fcntl.flock(self._user, fcntl.LOCK_SH)
            if not os.path.exists(self.address):
                self._start(root)

    def _start(self, root: Path) -> None:
        ready, theirs = multiprocessing.Pipe(duplex=False)
        process = forks.Process(target=_have_networks, args=(theirs, self.address, self._user.name, root))
        process.start()
        theirs.close()
        ready.recv()  # EOFError: it has not come so far
        # Nobody waits for its end: others may need it longer than this process lives.
        multiprocessing.process._children.discard(process)  # type: ignore[attr-defined]  # not in the stubs

    def begin(self, command: tuple) -> "Begun":
        return Begun(self.address, command)


class Begun:
    """A command that a process with networks has begun, as a `BaseProcess` is seen."""

    exitcode: int | None = None

    def __init__(self, address: str, command: tuple) -> None:
        self._connection = Client(address)
        self._connection.send(command)
        self.pid: int = self._connection.recv()

    def join(self, timeout: float | None = None) -> None:
        if self.exitcode is None and self._connection.poll(timeout):
            self.exitcode = self._connection.recv()
            self._connection.close()

    def is_alive(self) -> bool:
        self.join(0)
        return self.exitcode is None

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def _have_networks(ready: Connection, address: str, users: str, root: Path) -> None:
    os.setsid()
    os.chdir(root)
    threading.Thread(target=_end_after, args=(users, address), daemon=True).start()
    for name in NETWORKS:
        importlib.import_module(name)
    importlib.import_module("inference.nn.backbones").import_timm()
    fork = multiprocessing.get_context("fork")
    with Listener(address, backlog=100) as listener:
        ready.send("ready")
        ready.close()
        while True:
            connection = listener.accept()
            fork.Process(target=_look_after, args=(connection, listener)).start()  # which buries those that have ended
            connection.close()


def _end_after(users: str, address: str) -> None:
    """Each user holds the file: who has it for itself alone knows that there is none."""
    with open(users) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
    os.unlink(address)
    os._exit(0)


def _look_after(connection: Connection, listener: Listener) -> None:
    listener._listener._socket.close()  # type: ignore[attr-defined]  # its own `close` would take the address away
    process = multiprocessing.get_context("fork").Process(target=_lead, args=connection.recv())
    process.start()
    connection.send(process.pid)
    process.join()
    with suppress(BrokenPipeError):
        connection.send(process.exitcode)
