"""How far a run is, and whether somebody wants it stopped.

Both stand as the names of empty files beside the uploaded one, wherever that is kept: what is written into the database
within the import's own transaction is seen by nobody before its end, and on SQLite nobody else may write meanwhile.
"""

from pathlib import PurePosixPath

from django.core.files.base import ContentFile

from backoffice.models import TableImport

PROGRESS, STOP = ".progress-", ".stop"


def write(row: TableImport, rows_done: int) -> None:
    before = _beside(row, PROGRESS)
    name = f"{row.file.name}{PROGRESS}{rows_done}"
    if name not in before:
        row.file.storage.save(name, ContentFile(b""))
    _delete(row, [old for old in before if old != name])


def read(row: TableImport) -> int | None:
    """Rows that are done, None where no run has said anything yet."""
    said = [name.rpartition(PROGRESS)[2] for name in _beside(row, PROGRESS)]
    return max((int(rows) for rows in said if rows.isdecimal()), default=None)


def ask_to_stop(row: TableImport) -> None:
    """For a run that holds its row, so that nobody who cancels it has to wait for its end."""
    row.file.storage.save(f"{row.file.name}{STOP}", ContentFile(b""))


def is_to_stop(row: TableImport) -> bool:
    return row.file.storage.exists(f"{row.file.name}{STOP}")


def forget(row: TableImport) -> None:
    _delete(row, _beside(row, PROGRESS) + _beside(row, STOP))


def _beside(row: TableImport, what: str) -> list[str]:
    """The names of the files of this kind beside the uploaded one; none where that is gone."""
    if not row.file:
        return []
    uploaded = PurePosixPath(str(row.file.name))
    try:
        _folders, files = row.file.storage.listdir(str(uploaded.parent))
    except FileNotFoundError:
        return []
    return [str(uploaded.with_name(name)) for name in files if name.startswith(f"{uploaded.name}{what}")]


def _delete(row: TableImport, names: list[str]) -> None:
    for name in names:
        row.file.storage.delete(name)
