"""How far a run is, and whether somebody wants it stopped.

Both stand in small files beside the uploaded one: what is written into the database within the import's own transaction
is seen by nobody before its end, and on SQLite nobody else may write meanwhile.
"""

from contextlib import suppress
from pathlib import Path

from backoffice.models import TableImport

PROGRESS, STOP = "progress", "stop"


def write(row: TableImport, rows_done: int) -> None:
    path = path_beside(row)
    draft = Path(f"{path}.part")
    draft.write_text(str(rows_done))
    draft.replace(path)


def read(row: TableImport) -> int | None:
    """Rows that are done, None where no run has said anything yet."""
    with suppress(OSError, ValueError):
        return int(path_beside(row).read_text())
    return None


def ask_to_stop(row: TableImport) -> None:
    """For a run that holds its row, so that nobody who cancels it has to wait for its end."""
    path_beside(row, STOP).touch()


def is_to_stop(row: TableImport) -> bool:
    return path_beside(row, STOP).exists()


def forget(row: TableImport) -> None:
    for what in (PROGRESS, f"{PROGRESS}.part", STOP):
        path_beside(row, what).unlink(missing_ok=True)


def path_beside(row: TableImport, what: str = PROGRESS) -> Path:
    return Path(f"{row.file.path}.{what}")
