"""The disk fills up under a clinic on SQLite: a booking, a film, a table and a backup are refused, and work afterwards.

    sudo python benchmarks/faults/disk_full.py

The disk is a file system of this script's own, in memory.
"""

import argparse
import errno
import http.client
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bad_day import Clinic, Somebody, book, clinic, failures, found, national_ids, said
from bench_booking import ROOT
from web_killed import Deeds, Sending

SIZE = "250m"
CLEAR = ("There is no room left on the disk",)


@contextmanager
def disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bad-day-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", folder]
        subprocess.run(mount, check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S607  (wherever it is installed)


def fill(path: Path) -> None:
    """To the last byte."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def backup(site: Clinic) -> subprocess.CompletedProcess:
    command = [sys.executable, "manage.py", "backup", str(site.data_dir / "backups")]
    return subprocess.run(command, cwd=ROOT, env=site.environment, capture_output=True, text=True)


def left_behind(site: Clinic) -> set[str]:
    """Files in the folders of films, tables and backups."""
    return {str(path) for name in ("media", "backups") for path in (site.data_dir / name).rglob("*") if path.is_file()}


def answer(clerk: Somebody, sending: Sending) -> str:
    """What is said to who sends it on a full disk; "" where nothing clear is."""
    try:
        clerk.send(*sending, patient="1")
    except (OSError, http.client.HTTPException) as error:
        print(f"          {type(error).__name__}: {error}")
        return ""
    return next((words for words in CLEAR if words in clerk.page), "")


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    if os.geteuid():
        raise SystemExit("Mounting a disk needs root.")
    with disk() as folder, clinic("sqlite", folder / "data") as site:
        deeds, ids = Deeds(site), national_ids()
        site.web()
        clerk, before = Somebody(site.port).signed_in(), left_behind(site)
        said("who sends on a full disk is told so, and nothing half-done stays", "the disk filled to its last byte")
        fill(folder / "ballast")
        ends = [book(site.port, next(ids)) for _booking in range(3)]
        found(f"three bookings: {ends}", set(ends) <= {"refused", "booked"})
        for what, sending in (("film", deeds.film_of(0)), ("table", deeds.table_of(0))):
            told = answer(clerk, sending)
            found(f"a {what}: “{told}”", bool(told))
        refused = backup(site)
        found(
            f"a backup: {refused.stderr.strip()[-200:]}", refused.returncode == 1 and "Traceback" not in refused.stderr
        )
        found(f"left behind: {sorted(left_behind(site) - before)}", left_behind(site) == before)

        said("everything goes on by itself once there is room", "the ballast thrown out")
        (folder / "ballast").unlink()
        found("a booking", book(site.port, next(ids)) == "booked")
        deeds.film(0)
        found("the same film", deeds.films_there(0) == 1)
        deeds.table(0)
        found("the same table", deeds.rows_there(0) == 400)
        found("a backup", backup(site).returncode == 0)
        found("all agrees with itself", site.is_whole())
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
