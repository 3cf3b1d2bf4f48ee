"""Everything at once, for as long as asked: bookings, staff at their pages, films and second opinions, tables.

    python benchmarks/faults/mixed_load.py [--minutes 15] [--database postgres]

In fifteen minutes as much is to be done as in a clinic's eight busiest hours (morning.py), or nothing is proved: a
machine that is busy with something else takes longer. On PostgreSQL the clinic has a Redis of its own, too.

Memory is what each of the three processes has for itself with its children (anonymous pages; those that several share
are counted once), so that what else runs on the machine makes no difference. The first third of the time is a warm-up,
in which each page is asked for the first time. Through the medians of the rest, a fifteenth of the time each, goes a
straight line: memory is constant if that line, with twice its standard error, rises by no more than GROWS.
"""

import argparse
import math
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from bad_day import ROOT, AtOnce, Clinic, Somebody, Visitors, clinic, failures, found, free_port, said, until
from morning import BOOKINGS, FILMS, LISTS
from redis_gone import start
from web_killed import Deeds

PARTS = 15
WARM_UP = 5  # of these parts
GROWS = 20  # MB an hour
HOURS = 8  # of a clinic's busiest: less is no proof
EVERY = 2  # seconds, a sample of each process
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
    """Megabytes that a process group has for itself."""
    kilobytes = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ProcessLookupError):
            if os.getpgid(int(process.name)) == group:
                lines = (process / "smaps_rollup").read_text().splitlines()
                kilobytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))
    return kilobytes / 1024


def rises(held: list[tuple[float, float]]) -> tuple[float, float]:
    """How much an hour, of (hour, megabytes), after the warm-up; and twice its standard error."""
    begins, ends = held[0][0], held[-1][0]
    parts: list[list[tuple[float, float]]] = [[] for _part in range(PARTS + 1)]
    for hour, megabytes in held:
        parts[int((hour - begins) / (ends - begins) * PARTS)].append((hour, megabytes))
    warm = [part for part in parts[WARM_UP:PARTS] if part]
    hours = [statistics.median(hour for hour, _megabytes in part) for part in warm]
    medians = [statistics.median(megabytes for _hour, megabytes in part) for part in warm]
    slope, intercept = statistics.linear_regression(hours, medians)
    off = sum((median - intercept - slope * hour) ** 2 for hour, median in zip(hours, medians, strict=True))
    spread = sum((hour - statistics.fmean(hours)) ** 2 for hour in hours)
    return slope, 2 * math.sqrt(off / (len(hours) - 2) / spread)


class Staff(AtOnce):
    """Each work again and again, so many seconds after it was last done, in a thread of its own, until it is over; what
    failed is kept."""

    def __init__(self, works: dict[Callable[[int], None], float]) -> None:
        self.done, self.failed = Counter[str](), list[str]()
        super().__init__([partial(self._work, work, pause) for work, pause in works.items()])

    def _work(self, work: Callable[[int], None], pause: float) -> None:
        number = 0
        while not self.is_over.is_set():
            try:
                work(number)
                self.done[work.__name__] += 1
            except Exception as error:  # told at the end, whatever it was
                self.failed.append(f"{work.__name__}: {type(error).__name__} {error}"[:200])
            number += 1
            self.is_over.wait(pause)


@contextmanager
def redis_of_its_own() -> Iterator[str]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bad-day-") as folder:
        server = start(port, Path(folder))
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.kill()
            server.wait()


@contextmanager
def opened(database: str) -> Iterator[Clinic]:
    with ExitStack() as stack:
        redis_url = stack.enter_context(redis_of_its_own()) if database == "postgres" else ""
        extra = {"REDIS_URL": redis_url, "MAX_PREDICTIONS_PER_DAY": "100000", "INFERENCE_DEVICE": "cpu"}
        yield stack.enter_context(clinic(database, None, **extra))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    options = parser.parse_args()
    with opened(options.database) as site:
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
            f"after a third of the time memory rises by no more than {GROWS} MB an hour, and nothing fails or is lost",
            f"{options.minutes:g} minutes of two visitors, staff at their pages, films, questions and tables",
        )
        taken: dict[str, list[tuple[float, float]]] = {role: [] for role in ("web", *clusters)}
        ends = time.monotonic() + 60 * options.minutes
        with Visitors(site, 2, pause=1) as visitors, Staff({look: 0.5, ask: 3, deeds.table: 10}) as staff:
            while time.monotonic() < ends:
                groups = {"web": web.pid} | {role: cluster.process.pid for role, cluster in clusters.items()}
                for role, group in groups.items():
                    taken[role].append((time.monotonic() / 3600, memory_of(group)))
                time.sleep(EVERY)
        found(
            f"bookings: {visitors.counted()}", set(visitors.of("booked")) == site.booked() and not visitors.n("refused")
        )
        hours = {
            "bookings": visitors.n() / BOOKINGS,
            "films": staff.done["ask"] / FILMS,
            "lists": staff.done["look"] / LISTS,
        }
        found(f"staff: {dict(staff.done)} done, {len(staff.failed)} failed {staff.failed[:3]}", not staff.failed)
        found(
            "as many as in busiest hours: " + ", ".join(f"{n:.1f} of {what}" for what, n in hours.items()),
            min(hours.values()) >= HOURS,
        )
        found("every question is answered", until(lambda: not site.count(OPEN)))
        for role, held in taken.items():
            slope, noise = rises(held)
            third = len(held) // 3
            begins, middle, last = (
                statistics.median(mb for _hour, mb in held[i : i + third]) for i in (0, third, 2 * third)
            )
            found(
                f"{role}: {begins:.0f} MB in the first third, {middle:.0f} and {last:.0f} in the others; "
                f"it rises by {slope:.1f} ± {noise:.1f} MB an hour",
                slope + noise <= GROWS,
            )
        ended = {role: cluster.ended for role, cluster in clusters.items()}
        found(f"no process ended: {ended}", web.poll() is None and not any(ended.values()))
        found("all agrees with itself", site.is_whole())
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
