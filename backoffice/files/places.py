"""How many files of a kind are read at once on this machine, by whichever of the processes: as many as memory allows.

A place is a locked file. The child holds the lock, so that the place is free when the child is gone, however it went.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from django.conf import settings

LONGEST_WAIT = 30  # seconds; a file takes one or two
PAUSE = 0.02

# Of the four threads that a process of the web server has (gunicorn.conf.py): the others answer everybody else.
THREADS = threading.BoundedSemaphore(2)
SHORT_WAIT = 1  # seconds

SHARE = 4  # of the machine's memory, a quarter for each kind
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class NoPlaceError(Exception):
    """All were taken for too long."""


@contextmanager
def thread() -> Iterator[None]:
    """One of those that may wait for files in this process. Raises NoPlaceError."""
    if not THREADS.acquire(timeout=SHORT_WAIT):
        raise NoPlaceError
    try:
        yield
    finally:
        THREADS.release()


def take(kind: str, memory: int) -> int:
    """Wait for a place, and return the descriptor that holds it until its last copy is closed. `memory` is what each of
    this kind may take, in bytes."""
    folder = settings.DATA_DIR / "run"
    folder.mkdir(exist_ok=True)
    until = time.monotonic() + LONGEST_WAIT
    for attempt in count():
        if attempt and time.monotonic() > until:
            raise NoPlaceError
        for number in range(how_many(memory)):
            descriptor = os.open(folder / f"{kind}-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
            else:
                return descriptor
        time.sleep(PAUSE)
    raise NoPlaceError


def how_many(memory: int) -> int:
    if settings.FILES_AT_ONCE:
        return settings.FILES_AT_ONCE
    return max(1, min(os.cpu_count() or 1, all_memory() // SHARE // memory))


def all_memory() -> int:
    """Bytes that this machine has, or this container may use."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in CGROUP_LIMITS:
        with suppress(OSError, ValueError):
            limits.append(int(Path(path).read_text()))  # ValueError: "max"
    return min(limits)
