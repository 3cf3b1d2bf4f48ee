"""How far a run is. It stands in a small file beside the uploaded one: what is written into the database within the
import's own transaction is seen by nobody before its end, and on SQLite nobody else may write meanwhile."""

from contextlib import suppress
from pathlib import Path

from backoffice.models import TableImport


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


def forget(row: TableImport) -> None:
    for path in (path_beside(row), Path(f"{path_beside(row)}.part")):
        path.unlink(missing_ok=True)


def path_beside(row: TableImport) -> Path:
    return Path(f"{row.file.path}.progress")
