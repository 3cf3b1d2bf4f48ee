"""Who on the machine may read what the software keeps: its own account, and nobody else.

What it writes is private from the start, by the umask that settings.py sets for every process. This is for what an
older installation has left open, or somebody has copied in.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def open_to_others() -> list[Path]:
    """What others could reach: a few entries at the top of DATA_DIR, which stand for all below them."""
    if not is_open(settings.DATA_DIR):
        return [path for path in database_files() if is_open(path) and settings.DATA_DIR not in path.parents]
    inside = sorted(path for path in settings.DATA_DIR.iterdir() if is_open(path))
    return inside + [path for path in database_files() if is_open(path) and path not in inside]


def close() -> None:
    """Take from others what they may do with anything under DATA_DIR, and with the database."""
    for path in [*everything(settings.DATA_DIR), *database_files()]:
        # Somebody else's, or gone meanwhile: readyz names what stays open.
        with suppress(FileNotFoundError, PermissionError):
            if is_open(path):
                path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)


def everything(folder: Path) -> Iterator[Path]:
    yield folder
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files))


def database_files() -> list[Path]:
    """SQLite's, wherever they lie; what it makes beside the database has the database's mode."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return []
    names = (f"{database['NAME']}{suffix}" for suffix in ("", "-wal", "-shm", "-journal"))
    return [Path(name) for name in names if Path(name).is_file()]


def is_open(path: Path) -> bool:
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        return not stat.S_ISLNK(mode) and bool(mode & OTHERS)
    return False
