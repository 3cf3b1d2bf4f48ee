"""PostgreSQL is gone for some seconds while people book: each connection is cut, and no new one let in.

    python benchmarks/faults/database_gone.py [--seconds 6]

The server and its other databases are left alone: this clinic's own takes no connections for so long.
"""

import argparse
import sys
import time

import psycopg
from bad_day import Visitors, clinic, failures, found, said, until
from bench_booking import POSTGRES_URL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6)
    seconds = parser.parse_args().seconds
    with clinic("postgres") as site, psycopg.connect(POSTGRES_URL, autocommit=True) as server:
        name = site.database_url.rpartition("/")[2]
        site.web()
        worker = site.cluster()
        said(
            "who books while the database is gone is told so; no booking is half there; all goes on by itself",
            f"every connection cut, and none let in for {seconds:.0f} s, while three visitors book",
        )
        with Visitors(site) as visitors:
            until(lambda: visitors.n() >= 5)
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            time.sleep(seconds)
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            back = time.monotonic()
            goes_on = until(lambda: visitors.n(after=back) >= 5)
            took = time.monotonic() - back
        others = {how for *_times, how, _whose in visitors.ends} - {"booked", "refused"}
        found(f"{visitors.counted()}; five more {took:.1f} s after it was back", goes_on and not others)
        found("some were refused, by a page that says so", visitors.n("refused") > 0)
        found("each who was told a number has a booking", visitors.of("booked") <= site.booked())
        found("no booking is half there", site.is_whole())
        mails = "SELECT count(*) FROM backoffice_mail WHERE sent_at IS NULL"
        sent = until(lambda: site.count(mails) == 0)
        n = site.count("SELECT count(*) FROM backoffice_mail")
        found(
            f"the worker, started anew {worker.ended} times, sent {n} mails of {len(site.booked())} bookings",
            sent and n == len(site.booked()),
        )
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
