"""A running worker says that it lives, every few seconds and on which device; whoever answers predictions elsewhere, as
the demonstration does, says nothing. A worker that is killed falls silent, and one that ends takes its row along.

A thread says it, so that a long batch is no silence; that the batch goes on, its leases say.
"""

import logging
import os
import secrets
import socket
import threading
import time
from datetime import timedelta
from multiprocessing import util

from django.db import Error, connection
from django.utils import timezone

from inference.models import Worker

logger = logging.getLogger(__name__)

FORGOTTEN_AFTER = timedelta(days=1)

_own: Worker | None = None
"""This process's, where it is a worker."""


def host() -> str:
    """This machine, as its workers name it."""
    return socket.gethostname()[:60]


def start(**kwargs: object) -> None:
    """Begin in this process, which a cluster has just forked."""
    global _own
    _own = Worker(name=f"{host()} {os.getpid()} {secrets.token_hex(4)}", beat_at=timezone.now())
    threading.Thread(target=_beat_on, args=(_own,), name="heartbeat", daemon=True).start()
    util.Finalize(None, _stop, exitpriority=10)  # multiprocessing leaves by its own door, past atexit


def name() -> str:
    """This process's, blank where it is no worker."""
    return _own.name if _own else ""


def report(*, device: str, device_name: str, trouble: str = "", detail: str = "") -> None:
    """Say what this worker computes on. Nothing is said where this process is none."""
    if _own is None:
        return
    _own.device, _own.device_name, _own.trouble, _own.detail = device, device_name[:100], trouble, detail
    _beat(_own)


def _beat_on(worker: Worker) -> None:
    _sweep()
    while _own is worker:
        _beat(worker)
        connection.close()  # this thread's own, which nobody needs for the next seconds
        time.sleep(Worker.BEATS_EVERY.total_seconds())


def _beat(worker: Worker) -> None:
    worker.beat_at = timezone.now()
    said = {"beat_at": worker.beat_at, "started_at": worker.started_at}
    said |= {name: getattr(worker, name) for name in ("device", "device_name", "trouble", "detail")}
    try:
        Worker.objects.update_or_create(name=worker.name, defaults=said)
    except Error as error:  # the next one may arrive
        logger.warning("the heartbeat is not heard: %s", type(error).__name__)


def _sweep() -> None:
    try:
        Worker.objects.filter(beat_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
    except Error:
        logger.warning("workers of old are not swept out", exc_info=True)


def _stop() -> None:
    global _own
    worker, _own = _own, None
    if worker is None:
        return
    try:
        Worker.objects.filter(name=worker.name).delete()
    except Error:
        logger.warning("the end of this worker is not noted", exc_info=True)
