"""Run as a program: the small process that forks a child for each file, and buries it.

It has one thread, which is why it may fork where the web process may not; no environment, so no keys; and no database.
A child reads one file under limits that it cannot lift, answers in lines of JSON, and is gone. What goes back is never
code: the asking process (apart.py) parses JSON and reads files, whoever wrote them.
"""

import array
import ctypes
import errno
import gc
import importlib
import json
import logging
import os
import resource
import selectors
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any, NoReturn

LARGEST_JOB, MOST_DESCRIPTORS = 1 << 16, 8
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
STANDARD_ERROR = 2
SPARE_DESCRIPTORS = 24  # for modules, time zones and catalogues that are loaded late; far from what a bomb would open
SPARE_SECONDS = 1

libc = ctypes.CDLL(None)
warm: set[str] = set()  # modules of tasks

# Ends, as apart.py knows them.
DONE, MEMORY, TIME, SPACE, FULL, CRASHED, FAILED = "done", "memory", "time", "space", "full", "crashed", "failed"


def main() -> None:
    control = socket.socket(fileno=sys.stdin.fileno())
    set_up(json.loads(sys.argv[1]))
    nursery = Nursery(control)
    while nursery.goes_on():
        pass
    signal.set_wakeup_fd(-1)  # a child may end after the socket that it would wake


def set_up(values: dict) -> None:
    """As much of Django as speaks to people: words, days and numbers."""
    import django
    from django.conf import settings

    settings.configure(**values)
    django.setup()
    # The libraries' warnings hold what is in the file: a patient's name, perhaps.
    warnings.simplefilter("ignore")
    logging.disable()


class Nursery:
    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.children: dict[int, socket.socket] = {}
        self.woken, waker = socket.socketpair()
        for end in (self.woken, waker):
            end.setblocking(False)
        self.waker = waker
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        self.watched = selectors.DefaultSelector()
        for end in (control, self.woken):
            self.watched.register(end, selectors.EVENT_READ)

    def goes_on(self) -> bool:
        """Do what has come up; False once the asking process has gone, whose children go too."""
        for key, _events in self.watched.select():
            if key.fileobj is self.control:
                if not self.take_job():
                    for pid in self.children:
                        os.kill(pid, signal.SIGKILL)
                    return False
            elif key.fileobj is self.woken:
                with suppress(BlockingIOError):
                    self.woken.recv(4096)
                self.bury()
            elif key.data in self.children:
                # Nobody writes there but us: whoever asked has hung up.
                self.watched.unregister(key.fileobj)
                os.kill(key.data, signal.SIGKILL)
        return True

    def take_job(self) -> bool:
        message, descriptors = received(self.control)
        if not message:
            return False
        job = json.loads(message)
        answers = socket.socket(fileno=descriptors[0])
        try:
            warm_up(job)
        except Exception:
            traceback.print_exc()
            tell(answers, {"end": FAILED, "what": f"{job['task']} cannot be imported"})
            for descriptor in (answers.detach(), *descriptors[1:]):
                os.close(descriptor)
            return True
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            live(job, descriptors)
        for descriptor in descriptors[1:]:
            os.close(descriptor)
        self.children[pid] = answers
        self.watched.register(answers, selectors.EVENT_READ, pid)
        return True

    def bury(self) -> None:
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            answers = self.children.pop(pid)
            with suppress(KeyError):
                self.watched.unregister(answers)
            if status:
                tell(answers, {"end": cause_of_death(status), "what": f"status {status}"})
            answers.close()


def warm_up(job: dict) -> None:
    """Load once what every child needs, and leave it alone: what a child touches is copied for it."""
    from django.utils import translation

    name = job["task"].partition(":")[0]
    if name not in warm:
        module = importlib.import_module(name)
        if hasattr(module, "warm_up"):
            module.warm_up()
        warm.add(name)
        gc.collect()
        gc.freeze()
    translation.activate(job["language"])
    translation.gettext("")


def received(control: socket.socket) -> tuple[bytes, list[int]]:
    room = socket.CMSG_SPACE(MOST_DESCRIPTORS * array.array("i").itemsize)
    message, ancillary, _flags, _address = control.recvmsg(LARGEST_JOB, room)
    descriptors = array.array("i")
    for _level, _type, data in ancillary:
        descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return message, list(descriptors)


def tell(answers: socket.socket, value: dict) -> None:
    """On a line of its own, for a child may have died within one. Never waits: nobody may be listening."""
    with suppress(OSError):
        answers.send(b"\n" + json.dumps(value).encode() + b"\n", socket.MSG_DONTWAIT)


def cause_of_death(status: int) -> str:
    if not os.WIFSIGNALED(status):
        return FAILED
    if os.WTERMSIG(status) == signal.SIGXCPU:
        return TIME
    # The system's own killer, where its memory is at an end.
    return MEMORY if os.WTERMSIG(status) == signal.SIGKILL else CRASHED


# -- In the child -----------------------------------------------------------------------------------------------------


def live(job: dict, descriptors: list[int]) -> NoReturn:
    """Do the one job, and end whatever happens: a child that returned would be a second nursery."""
    code = 1
    try:
        keep_only({STANDARD_ERROR, *descriptors})
        limit_itself(job["memory"], job["seconds"], job["space"], max(descriptors))
        work(job, descriptors)
        code = 0
    finally:
        os._exit(code)


def work(job: dict, descriptors: list[int]) -> None:
    answers, _place, source, *into = descriptors
    with open(answers, "wb") as lines:
        try:
            for value in values_of(job, source, into):
                lines.write(json.dumps({"value": value}, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
                lines.flush()
            end = {"end": DONE}
        except MemoryError:
            end = {"end": MEMORY}
        except Exception as error:
            end = {"end": kind_of(error), "what": told(error)}
        lines.write(json.dumps(end).encode() + b"\n")


def kind_of(error: Exception) -> str:
    from backoffice.files import room

    if room.is_full(error):
        return FULL
    return SPACE if getattr(error, "errno", None) == errno.EFBIG else FAILED


def values_of(job: dict, source: int, into: list[int]) -> Iterator[Any]:
    from django.conf import settings

    for name, value in job["settings"].items():
        setattr(settings, name, value)
    module, _colon, name = job["task"].partition(":")
    os.lseek(source, 0, os.SEEK_SET)
    with ExitStack() as stack:
        file = stack.enter_context(open(source, "rb"))
        outputs = [stack.enter_context(open(descriptor, "wb")) for descriptor in into]
        for value in getattr(sys.modules[module], name)(file, *outputs, **job["arguments"]):
            for output in outputs:
                output.flush()  # what was answered of is in the file
            yield value


def told(error: BaseException) -> str:
    """For the log: what and where, and none of the words, which may hold a patient's."""
    where = traceback.extract_tb(error.__traceback__)[-3:]
    return f"{type(error).__name__} at " + ", ".join(f"{os.path.basename(one.filename)}:{one.lineno}" for one in where)


def keep_only(descriptors: set[int]) -> None:
    """Above all not the sockets over which other children answer."""
    start = 0
    for descriptor in sorted(descriptors):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, resource.getrlimit(resource.RLIMIT_NOFILE)[0] if start > 4096 else 4096)


def limit_itself(memory: int, seconds: int, space: int, highest: int) -> None:
    parent = os.getppid()
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit  # it died before the signal was asked for
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")  # where memory is at an end, this one goes first
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    room = memory + mapped_beyond_use()
    for what, limit, hard in (
        (resource.RLIMIT_AS, room, room),
        (resource.RLIMIT_CPU, seconds, seconds + SPARE_SECONDS),
        (resource.RLIMIT_FSIZE, space, space),
        (resource.RLIMIT_NOFILE, highest + SPARE_DESCRIPTORS, highest + SPARE_DESCRIPTORS),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(what, (limit, hard))


def mapped_beyond_use() -> int:
    """Bytes of address space that are mapped and not in memory, such as of libraries: no part of what a file takes."""
    with open("/proc/self/statm") as statm:
        size, resident = (int(pages) for pages in statm.read().split()[:2])
    return (size - resident) * resource.getpagesize()


if __name__ == "__main__":
    main()
