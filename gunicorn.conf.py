"""How `gunicorn backoffice.wsgi` serves, started in this folder; what is given on its command line wins."""

import gc
import os
import shutil
import tempfile
from typing import Any

from backoffice.web import logs, server

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_WORKERS", "2"))
worker_class = "backoffice.web.server.GatheringWorker"
threads = 4
timeout = 60  # seconds; a worker whose loop is silent for so long is started anew
graceful_timeout = 20
keepalive = 20  # seconds; one that waits takes no thread, and one that is closed just as a form comes in loses the form
worker_connections = 900  # open at once, for each worker

# Smaller than a stranger could use: our longest address with all its filters is a fifth of it.
limit_request_line = 8000
limit_request_fields = 60
limit_request_field_size = 8190

pre_request = server.on_request


def post_worker_init(_worker: Any) -> None:
    """Each request that was answered lies in a ring (Django's `request.auser` holds it), grown too old for anything but
    Python's look through all there is. Left alone, that came after 130 000 objects of requests, 30 MB in each worker;
    what is loaded by now, and stays, is left out of it, and it comes sooner."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(700, 10, 1)


# What each worker counts for /metrics, whichever of them is asked: files of this master's, gone with it. A master that
# takes over from another (USR2) has that one's environment, and makes its own.
if os.environ.get("METRICS_OF") != str(os.getpid()):
    os.environ["METRICS_OF"] = str(os.getpid())
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="collimator-metrics-")


def on_exit(_server: Any) -> None:
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


control_socket_disable = True
# No access log: an address may be a booking's key. The proxy keeps one that leaves those out (docs/operating.md).
accesslog = None
# As LOG_FORMAT says, which only the environment can tell here.
is_developed = os.environ.get("DJANGO_DEBUG", "").lower() in ("1", "true", "yes", "on")
log_format = os.environ.get("LOG_FORMAT") or ("text" if is_developed else "json")
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": logs.FORMATS.get(log_format, logs.JsonFormatter)}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"gunicorn.error": {"handlers": ["stderr"], "level": "INFO", "propagate": False}},
}
