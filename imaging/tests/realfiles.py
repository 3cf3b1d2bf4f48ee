"""Files that nobody on this project made. They lie where REAL_FILES_DIR says, each folder with its manifest."""

import csv
import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("REAL_FILES_DIR", ""))
needs_real_files = pytest.mark.skipif(not os.environ.get("REAL_FILES_DIR"), reason="REAL_FILES_DIR is not set")


def manifest(name: str) -> list[dict[str, str]]:
    """Return the rows of a folder's manifest, each with the `path` of its file; none without REAL_FILES_DIR."""
    source = FOLDER / name / "manifest.csv"
    if not os.environ.get("REAL_FILES_DIR") or not source.exists():
        return []
    # Each manifest names its files from its own folder or from the one above.
    with source.open(encoding="utf-8", newline="") as rows:
        return [row | {"path": FOLDER / name / row["file"].removeprefix(f"{name}/")} for row in csv.DictReader(rows)]


def every_file_in(name: str):
    """Parametrise a test over a manifest; one skipped test where the files are not there."""
    rows = manifest(name)
    return pytest.mark.parametrize(
        "row", rows or [pytest.param({}, marks=needs_real_files)], ids=[row["file"] for row in rows] or ["none"]
    )
