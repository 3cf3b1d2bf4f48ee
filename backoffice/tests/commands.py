"""Management commands to their end, each in a process of its own that does not import the libraries once more.

Importing them is most of what a short command takes. A process that has done so once waits beside the tests, and each
command is a fork of it: that has read no settings yet, so it reads its own, and goes in by the door of `manage.py`.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

# What every command loads, whatever its settings say. One that is missing here costs its time, and nothing else.
LIBRARIES = [
    "django.core.management", "django.db.models", "django.forms", "django.http", "django.template", "asyncio",
    "csp.constants", "environ", "icalendar", "model_bakery", "numpy", "openpyxl", "PIL.Image", "psycopg",
    "pydicom.pixels", "tablib", "yaml",
]  # fmt: skip

forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(LIBRARIES)


def run(
    arguments: tuple[str, ...], environment: dict[str, str], root: Path, timeout: float
) -> subprocess.CompletedProcess:
    """`manage.py` of `root` with these arguments. Raises TimeoutExpired (seconds), as subprocess does."""
    with TemporaryDirectory() as folder:
        said = [Path(folder, name) for name in ("stdout", "stderr")]
        process = forks.Process(target=_manage, args=(arguments, environment, root, said))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(arguments, timeout)
        return subprocess.CompletedProcess(arguments, process.exitcode, *(path.read_text() for path in said))


def _manage(arguments: tuple[str, ...], environment: dict[str, str], root: Path, said: list[Path]) -> None:
    for stream, path in zip((sys.stdout, sys.stderr), said, strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream.fileno())
    os.chdir(root)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["manage.py", *arguments]
    runpy.run_path(str(root / "manage.py"), run_name="__main__")
