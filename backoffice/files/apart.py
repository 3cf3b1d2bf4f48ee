"""Files from outside are read apart: by a child with little memory and little time, whose end is one file's refusal.

    with closing(apart.values("imaging.reading:picture", file, kind="picture", into=[pixels])) as answers:
        said = next(answers)

The task is a function of ours that takes the file and those it may write into, all binary, and yields what goes into
JSON. It sees no database, no session and no key (see nursery.py, which runs it). Where its module has a `warm_up`, that
is called once before the first fork: what it loads, no child has to.
"""

import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from enum import Enum
from pathlib import Path
from typing import IO, Any

from django.apps import apps
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from backoffice.files import nursery, places, room

logger = logging.getLogger(__name__)

# What a child knows of the settings: how days and numbers are written, and its limits. No key, no address.
WRITING = (
    "USE_I18N",
    "USE_TZ",
    "TIME_ZONE",
    "LANGUAGE_CODE",
    "LANGUAGES",
    "LOCALE_PATHS",
    "FORMAT_MODULE_PATH",
    "USE_THOUSAND_SEPARATOR",
)
LIMITS = ("FILE_MEMORY_LIMIT", "PICTURE_MAX_PIXELS", "DICOM_MAX_ELEMENTS", "XLSX_MAX_UNPACKED")
ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZDIR")

ALLOCATION = {
    # Buffers for each core, and for each thread, would take up the address space on a large machine.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    # A child touches all its memory for the first time: by large pages that is a third of the faults.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}

# Waiting is longer than working where the machine has much to do.
WAITING_PER_SECOND = 4
LONGEST_LINE = 1 << 20
LARGEST_OUTPUT = 512 * 1024**2


class Why(Enum):
    MEMORY, TIME, SPACE, FULL, CRASHED, FAILED = (
        nursery.MEMORY,
        nursery.TIME,
        nursery.SPACE,
        nursery.FULL,
        nursery.CRASHED,
        nursery.FAILED,
    )
    BUSY = "busy"


class Undone(Exception):  # noqa: N818 — an answer to the user, not a fault of the program
    """The file was not read to its end; `str()` of it is a sentence that tells whoever sent it why."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why

    @property
    def is_the_files_own(self) -> bool:
        """Whether another file would be read at this moment."""
        return self.why not in (Why.BUSY, Why.FULL)

    def __str__(self) -> str:
        sentences = {
            Why.MEMORY: _("Reading it takes more memory than the %(megabytes)d MB that a file may take."),
            Why.TIME: _("Reading it takes longer than a file may take."),
            Why.SPACE: _("It unpacks to more than a file may."),
            Why.FULL: room.none_left(),
            Why.CRASHED: _("The program that reads such files broke down on it, which happens with damaged ones."),
            Why.FAILED: _("It is written in a way that nothing here can read."),
            Why.BUSY: _("Too many files are being read at this moment. Send it again in a minute."),
        }
        return sentences[self.why] % {"megabytes": settings.FILE_MEMORY_LIMIT // 1024**2}


def values(
    task: str,
    file: IO[bytes],
    *,
    kind: str,
    into: Sequence[IO[bytes]] = (),
    seconds: int | None = None,
    memory: int | None = None,
    space: int | None = None,
    most: int = -1,
    by: "Nurse | None" = None,
    **arguments: Any,
) -> Generator[Any, None, None]:
    """Yield what `task` ("module:function") yields of `file`, as it does so.

    `into` are files of the system's, unbuffered, that it may write: both sides share their position. `kind` names the
    queue, and `most` says how many bytes matter. `memory` and `space` are in bytes: what the child may take, and write.
    A task whose libraries are large is done `by` a nurse of its own: what they take counts as every child's.
    Raises Undone. Closing the iterator ends the child.
    """
    seconds = seconds or settings.FILE_SECONDS
    memory = memory or settings.FILE_MEMORY_LIMIT
    job = {
        "task": task,
        "arguments": arguments,
        "language": translation.get_language() or settings.LANGUAGE_CODE,
        "settings": {name: getattr(settings, name) for name in LIMITS},
        "memory": memory,
        "seconds": seconds,
        "space": space or LARGEST_OUTPUT,
    }
    try:
        with places.thread():
            answers = begin(job, kind, file, into, most, by or nurse)
            with closing(answers):
                answers.settimeout(seconds * WAITING_PER_SECOND)
                yield from until_the_end(answers, task)
    except places.NoPlaceError as error:
        raise Undone(Why.BUSY) from error


def begin(job: dict, kind: str, file: IO[bytes], into: Sequence[IO[bytes]], most: int, nurse: "Nurse") -> socket.socket:
    """Have a child do it, once there is a place for one; return where it answers. Raises NoPlaceError."""
    answers, theirs = socket.socketpair()
    try:
        with closing(theirs), with_descriptor(file, most) as source:
            place = places.take(kind, job["memory"])
            try:
                nurse.send(job, [theirs.fileno(), place, source.fileno(), *(one.fileno() for one in into)])
            finally:
                os.close(place)
    except BaseException:
        answers.close()
        raise
    return answers


def until_the_end(answers: socket.socket, task: str) -> Iterator[Any]:
    end = {"end": nursery.CRASHED}
    with answers.makefile("rb") as lines:
        try:
            while line := lines.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE:
                    end = {"end": nursery.FAILED, "what": "an answer without end"}
                    break
                said = parsed(line)
                if "end" in said:
                    end = said
                    break
                if "value" in said:
                    yield said["value"]
        except TimeoutError:
            end = {"end": nursery.TIME}
        except ConnectionError:
            pass
    if end["end"] != nursery.DONE:
        logger.warning("%s ended: %s (%s)", task, end["end"], end.get("what", ""))
        raise Undone(Why(end["end"]))


def parsed(line: bytes) -> dict:
    """What a line says; nothing where the child died within it: the nursery says why, on the next."""
    with suppress(ValueError):
        return json.loads(line)
    return {}


def with_descriptor(file: IO[bytes], most: int) -> IO[bytes]:
    """The file as one of the system's, with a position of its own; else a copy of so many bytes."""
    with suppress(AttributeError, OSError):
        file.flush()
        return open(f"/proc/self/fd/{file.fileno()}", "rb")
    copy = tempfile.TemporaryFile()  # noqa: SIM115 — the caller's to close
    file.seek(0)
    copy.write(file.read(most))
    copy.flush()
    return copy


class Nurse:
    """This process's nursery: started when the first file comes, and again where it has died."""

    def __init__(self) -> None:
        self._forget()
        # A fork of this process has children of its own, or its answers would reach the wrong one.
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen | None = None

    def send(self, job: dict, descriptors: list[int]) -> None:
        message = [json.dumps(job).encode()]
        with self._lock:
            if self._control is not None:
                with suppress(OSError):
                    socket.send_fds(self._control, message, descriptors)
                    return
                self._control.close()
            if self._process is not None:
                self._process.wait()
            socket.send_fds(self._start(), message, descriptors)

    @property
    def pid(self) -> int | None:
        """The nursery's, where there is one."""
        return self._process.pid if self._process else None

    def dismiss(self) -> None:
        """End the nursery, and with it what it holds in memory; the next file starts another."""
        with self._lock:
            if self._control is not None:
                self._control.close()
            if self._process is not None:
                self._process.wait()
            self._control = self._process = None

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with closing(theirs):
            self._process = subprocess.Popen(  # noqa: S603 — our own program
                [sys.executable, "-P", "-m", nursery.__name__, json.dumps(what_it_knows())],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd="/",
                env=environment(),
                start_new_session=True,  # a Ctrl-C is ours: it ends with us, when its socket closes
            )
        self._control = ours
        return ours


def what_it_knows() -> dict:
    ours = [Path(config.path) for config in apps.get_app_configs() if settings.BASE_DIR in Path(config.path).parents]
    catalogues = [str(path / "locale") for path in ours if (path / "locale").is_dir()]
    values = {name: getattr(settings, name) for name in WRITING}
    return {
        **values,
        "LANGUAGES": [[code, str(name)] for code, name in settings.LANGUAGES],
        "LOCALE_PATHS": [*map(str, settings.LOCALE_PATHS), *catalogues],
        "LOGGING_CONFIG": None,
        **{name: getattr(settings, name) for name in LIMITS},
    }


def environment() -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return passed_on | ALLOCATION | {"PYTHONPATH": str(settings.BASE_DIR)}


nurse = Nurse()
