"""Redis is killed while people book, stays away for some seconds, and comes back with nothing that it held.

    python benchmarks/faults/redis_gone.py [--seconds 6]

It is a redis-server of this script's own.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bad_day import Clinic, Visitors, book, clinic, failures, found, free_port, said, until

LIMIT = 3  # bookings from one address within an hour


def start(port: int, folder: Path) -> subprocess.Popen:
    command = [shutil.which("redis-server") or "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)


def booked_from_one_address(site: Clinic, visitors: Visitors) -> int:
    """How many of two more than one address may book are booked from it."""
    return [book(site.port, visitors.next_id(), "203.0.113.1") for _once in range(LIMIT + 2)].count("booked")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6)
    seconds = parser.parse_args().seconds
    port = free_port()
    with clinic("postgres", REDIS_URL=f"redis://127.0.0.1:{port}/0", BOOKING_RATE_LIMIT=str(LIMIT)) as site:
        server = start(port, site.data_dir)
        try:
            site.web()
            worker = site.cluster()
            said(
                "who books while Redis is gone is told so or booked; limits hold and jobs run once it is back",
                f"Redis killed by -9, away for {seconds:.0f} s and started anew empty, while three visitors book",
            )
            with Visitors(site) as visitors:
                until(lambda: visitors.n() >= 5)
                server.kill()
                server.wait()
                time.sleep(seconds)
                server = start(port, site.data_dir)
                back = time.monotonic()
                goes_on = until(lambda: visitors.n(after=back) >= 5)
                took = time.monotonic() - back
            others = {how for *_times, how, _whose in visitors.ends} - {"booked", "refused"}
            found(f"{visitors.counted()}; five more {took:.1f} s after it was back", goes_on and not others)
            found("each who was told a number has a booking", visitors.of("booked") <= site.booked())
            found("no booking is half there", site.is_whole())
            n = booked_from_one_address(site, visitors)
            found(f"of {LIMIT + 2} from one address, which may book {LIMIT} times, {n} were booked", n == LIMIT)
            waiting = "SELECT count(*) FROM backoffice_mail WHERE sent_at IS NULL"
            sent = until(lambda: site.count(waiting) == 0)
            n = site.count("SELECT count(*) FROM backoffice_mail")
            found(
                f"the worker, started anew {worker.ended} times, sent {n} mails of {len(site.booked())} bookings",
                sent and n == len(site.booked()),
            )
        finally:
            server.kill()
            server.wait()
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
