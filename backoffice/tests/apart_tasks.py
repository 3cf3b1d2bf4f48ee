"""What children are set to do in test_files_apart.py."""

import ctypes
import logging
import os
import signal
import socket
import stat
import time
import warnings

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _


def echo(source, *, times=1):
    text = source.read().decode()
    for _time in range(times):
        yield text


def write(source, target):
    target.write(source.read())
    yield "written"


def tell_its_pid_and_wait(source):
    yield os.getpid()
    time.sleep(60)


def take_memory(source, *, megabytes):
    yield len(bytearray(megabytes * 1024**2))


def spin(source):
    yield os.getpid()
    while True:
        pass


def die(source, *, of):
    yield "still well"
    os.kill(os.getpid(), of)


def crash(source):
    ctypes.string_at(0)
    yield None


def raise_with_a_name_in_it(source):
    yield "nothing yet"
    raise BufferError("Chen Wei-Ting, A123456789")


def warn_with_a_name_in_it(source):
    warnings.warn("Invalid value: Chen Wei-Ting", stacklevel=1)
    logging.getLogger("a.library").error("Invalid value: Chen Wei-Ting")
    yield "warned"


def fill_the_disk(source, target):
    while True:
        target.write(bytes(1 << 20))
        yield target.tell()


def what_it_has(source):
    yield {
        "environment": dict(os.environ),
        "settings": sorted(name for name in vars(settings._wrapped) if name.isupper()),
        "open": sorted(os.readlink(f"/proc/self/fd/{fd}") for fd in range(64) if is_open(fd)),
    }


def ask_the_database(source):
    with connection.cursor() as cursor:
        yield cursor.execute("SELECT 1")


def open_many(source):
    opened = [socket.socket() for _one in range(1000)]
    yield len(opened)


def in_words(source):
    yield _("Patient")


def half_a_line(source):
    yield "a whole one"
    (answers,) = [fd for fd in range(64) if is_socket(fd)]
    os.write(answers, b'{"value": "hal')
    os.kill(os.getpid(), signal.SIGSEGV)


def is_open(fd: int) -> bool:
    return os.path.islink(f"/proc/self/fd/{fd}")


def is_socket(fd: int) -> bool:
    return is_open(fd) and stat.S_ISSOCK(os.fstat(fd).st_mode)


def say_very_much(source):
    yield "x" * (2 << 20)
