"""Everything at once, for as long as asked: bookings, staff at their pages, films and second opinions, tables.

    python benchmarks/faults/mixed_load.py [--minutes 3] [--database postgres]

What each of the three processes holds of memory, with its children, is taken all the while, and told at the beginning,
in the middle and at the end, where it may be a tenth more than in the middle. Three minutes show that everything goes
on side by side; whether memory is constant an hour tells.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from bad_day import ROOT, AtOnce, Somebody, Visitors, clinic, failures, found, said, until
from web_killed import Deeds

GROWS = 1.1
"""How many times as much a process may hold at the end as in the middle, and 10 MB: what a child more or less is."""
PAGES = (
    "",
    "clinic/appointment/",
    "clinic/patient/",
    "imaging/xrayimage/",
    "inference/prediction/",
    "clinic/intakerecord/",
)
REGISTER = f"""
from pathlib import Path
from inference.registry.registration import register_folder
register_folder(Path({str(ROOT)!r}) / "fixtures" / "weights")
"""
OPEN = "SELECT count(*) FROM inference_prediction WHERE status IN ('pending', 'processing')"


def memory_of(group: int) -> float:
    """Megabytes of a process group's own: what several share is counted once (PSS)."""
    kilobytes = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ProcessLookupError):
            if os.getpgid(int(process.name)) == group:
                lines = (process / "smaps_rollup").read_text().splitlines()
                kilobytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


class Staff(AtOnce):
    """Each of `works` again and again, in a thread of its own, until it is over; what failed is kept."""

    def __init__(self, works: list[Callable[[int], None]]) -> None:
        self.done, self.failed = 0, list[str]()
        super().__init__([partial(self._work, work) for work in works])

    def _work(self, work: Callable[[int], None]) -> None:
        number = 0
        while not self.is_over.is_set():
            try:
                work(number)
                self.done += 1
            except Exception as error:  # told at the end, whatever it was
                self.failed.append(f"{work.__name__}: {type(error).__name__} {error}"[:200])
            number += 1
            self.is_over.wait(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    options = parser.parse_args()
    with clinic(options.database, MAX_PREDICTIONS_PER_DAY="100000", INFERENCE_DEVICE="cpu") as site:
        site.shell(REGISTER)
        web, clusters = site.web(), {"worker": site.cluster(), "inference": site.cluster("inference")}
        deeds, clerk, reader = Deeds(site), Somebody(site.port).signed_in(), Somebody(site.port).signed_in()

        def look(number: int) -> None:
            path, _page = clerk.get(f"/admin/{PAGES[number % len(PAGES)]}")
            assert clerk.status == 200, (clerk.status, path)

        def ask(number: int) -> None:
            until(lambda: site.count(OPEN) < 5)
            path, _page = reader.send(*deeds.film_of(number), patient="1")
            assert path.endswith("/change/"), (reader.status, path)
            reader.post(path.replace("/change/", "/ask/"), {})
            assert reader.status == 200, (reader.status, path)

        said(
            "memory does not grow on and on, and nothing fails or is lost",
            f"{options.minutes:g} minutes of two visitors, staff at their pages, films, questions and tables",
        )
        taken: dict[str, list[float]] = {role: [] for role in ("web", *clusters)}
        ends = time.monotonic() + 60 * options.minutes
        with Visitors(site, 2) as visitors, Staff([look, ask, deeds.table]) as staff:
            while time.monotonic() < ends:
                taken["web"].append(memory_of(web.pid))
                for role, cluster in clusters.items():
                    taken[role].append(memory_of(cluster.process.pid))
                time.sleep(2)
        found(
            f"bookings: {visitors.counted()}", set(visitors.of("booked")) == site.booked() and not visitors.n("refused")
        )
        found(f"staff: {staff.done} done, {len(staff.failed)} failed {staff.failed[:3]}", not staff.failed)
        found("every question is answered", until(lambda: not site.count(OPEN)))
        for role, held in taken.items():
            third = len(held) // 3 or 1
            begins, middle, end = (statistics.median(held[i : i + third]) for i in (0, third, len(held) - third))
            found(
                f"{role}: {begins:.0f} MB at the beginning, {middle:.0f} in the middle, {end:.0f} at the end",
                end <= GROWS * middle + 10,
            )
        ended = {role: cluster.ended for role, cluster in clusters.items()}
        found(f"no process ended: {ended}", web.poll() is None and not any(ended.values()))
        found("all agrees with itself", site.is_whole())
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
