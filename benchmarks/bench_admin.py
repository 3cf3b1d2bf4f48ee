"""The admin at a million patients and a million visits, on SQLite and PostgreSQL, beside a stock ModelAdmin.

    python benchmarks/bench_admin.py [--rows 1000000] [--postgres postgres://…/postgres] [--only sqlite]

Each database is filled anew and gone afterwards. Pages are asked for with Django's test client, ours and the stock
admin's in one process, on the same rows and the same indexes: the best of a few runs, taken in turn.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from django.test import Client
from installations import database

HERE = Path(__file__).resolve().parent
ROWS = 1_000_000
POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
SITES = ["admin", "stock"]
REPEATS = 5
LONG_ENOUGH = 1.0  # seconds: a page that has taken this long in all is asked for no more
PATIENCE = 60.0  # seconds; a page that takes longer is cut off, and asked for no more
AT_THE_SLOWEST = 5  # times as fast as stock, by its slowest page and ours
AS_FAST = 0.95  # within what two runs of one page differ by


# -- The pages --------------------------------------------------------------------------------------------------------


def pages(rows: int) -> dict[str, str]:
    """What is measured: a name, and the address under /admin/ and /stock/."""
    from admin_rows import RARE
    from django.utils import timezone

    from clinic.models import Appointment

    visits, patients = "clinic/appointment/", "clinic/patient/"
    today = timezone.localdate()
    deep = min(200, rows // 50)
    somebody = rows // 2
    lists = {
        "first page": "",
        "second page": "?p=2",
        f"page {deep}": f"?p={deep}",
        "search: a rare name": f"?q={RARE}",
        "search: a usual surname": "?q=陳",
        "search: a usual first name": "?q=mei",
        "search: nobody": "?q=zzzzz",
        "search: a national ID": f"?q=A{1_000_000_000 + somebody + 1}",
        "search: a phone": "?q=0912345",
        "hidden": "?hidden=yes",
    }
    of_visits = {
        "by patient": "?o=1",
        "by patient, from the end": "?o=-1",
        "by day, from the first": "?o=3",
        "today": "?day=today",
        "status: called": "?status__exact=called",
        "status: done": "?status__exact=done",
        "period: evening": "?session__period__exact=evening",
        "identity to check": "?identity_conflict__exact=1",
        "a year": f"?session__date__year={today.year - 3}",
        "a month": f"?session__date__year={today.year - 3}&session__date__month=5",
        "search within today": "?day=today&q=陳",
        "search: a reference": f"?q={Appointment.objects.get(pk=somebody).reference}",
    }
    of_patients = {"by name, from the end": "?o=-1", "by birthday": "?o=3", "sex: other": "?sex__exact=other"}
    chosen = "autocomplete/?app_label=clinic&model_name=appointment&field_name=patient&term="
    return {
        **{f"visits, {name}": visits + query for name, query in {**lists, **of_visits}.items()},
        "visits, a record": f"{visits}{somebody}/change/",
        **{f"patients, {name}": patients + query for name, query in {**lists, **of_patients}.items()},
        "patients, a record": f"{patients}{somebody}/change/",
        "choosing a patient: nothing typed": chosen,
        "choosing a patient: a rare name": chosen + RARE,
        "choosing a patient: a usual surname": chosen + "陳",
        "choosing a patient: nobody": chosen + "zzzzz",
    }


def measure(rows: int, patience: float) -> dict[str, list[float | None]]:
    """Milliseconds of every page, ours and stock; None where it took longer than anybody waits."""
    from django.test import Client

    from backoffice.models import User

    client = Client()
    client.force_login(User.objects.get())
    return {
        name: in_turn(patience, *(getter(client, f"/{site}/{page}") for site in SITES))
        for name, page in pages(rows).items()
    }


def getter(client: Client, address: str) -> Callable[[], None]:
    def get() -> None:
        assert client.get(address).status_code == 200, address

    return get


def in_turn(patience: float, *pages: Callable[[], None]) -> list[float | None]:
    """Each page's best of some runs. They take turns, so that whatever else this machine does strikes both alike."""
    taken = [[seconds(page, patience)] for page in pages]
    for _run in range(REPEATS):
        for page, runs in zip(pages, taken, strict=True):
            done = [run for run in runs if run is not None]
            if len(done) == len(runs) and sum(done) < LONG_ENOUGH:
                runs.append(seconds(page, patience))
    return [None if None in runs else 1000 * min(run or 0 for run in runs) for runs in taken]


def seconds(do: Callable[[], None], patience: float) -> float | None:
    from django.db import OperationalError

    start = time.perf_counter()
    try:
        with given_up_after(patience):
            do()
    except OperationalError:
        if time.perf_counter() - start < patience:
            raise
        return None
    return time.perf_counter() - start


@contextmanager
def given_up_after(limit: float) -> Iterator[None]:
    """Interrupt the query that runs then."""
    from django.db import connection

    connection.ensure_connection()
    raw = connection.connection
    timer = Timer(limit, raw.interrupt if connection.vendor == "sqlite" else raw.cancel)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def fill(rows: int) -> None:
    import admin_rows
    from django.core.management import call_command
    from django.db import connection

    from backoffice.jobs.sqlite_analyze import renew_figures
    from backoffice.models import User

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("bench")
    admin_rows.fill(rows)
    renew_figures()  # as every night
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # as autovacuum does


def in_this_process(rows: int, patience: float) -> None:
    sys.path.insert(0, str(HERE.parent))
    os.environ["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"
    import django
    from django.conf import settings

    django.setup()
    settings.DEBUG = False  # it was on so that static files need no collecting; on, it would keep every query
    logging.disable()  # a page that is cut off is no error
    settings.ROOT_URLCONF = "admin_peers"
    settings.SECURE_SSL_REDIRECT = False
    settings.ALLOWED_HOSTS = ["testserver"]
    fill(rows)
    print(json.dumps(measure(rows, patience)))


# -- The table --------------------------------------------------------------------------------------------------------


def measured(rows: int, patience: float, server: str | None) -> dict[str, list[float | None]]:
    with database(server) as environment:
        command = [sys.executable, __file__, "--here", "--rows", str(rows), "--patience", str(patience)]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout.splitlines()[-1])


def show(kind: str, rows: int, table: dict[str, list[float | None]], patience: float) -> None:
    print(f"\n{kind}, {rows:,} patients and visits{'':<12}      ours ms   stock ms   times as fast")
    for name, row in table.items():
        ours, stock = (f"{'> ' if ms is None else ''}{at_least(ms, patience):,.0f}" for ms in row)
        print(f"{name:<50} {ours:>10} {stock:>10} {times(row, patience):>14.1f}×")


def at_least(milliseconds: float | None, patience: float) -> float:
    return 1000 * patience if milliseconds is None else milliseconds


def times(row: list[float | None], patience: float) -> float:
    ours, stock = (at_least(ms, patience) for ms in row)
    return stock / ours


def what_does_not_hold(kind: str, table: dict[str, list[float | None]], patience: float) -> list[str]:
    ours, stock = (max(at_least(row[site], patience) for row in table.values()) for site in (0, 1))
    print(f"Slowest page: ours {ours:,.0f} ms, stock {stock:,.0f} ms, {stock / ours:.1f}× as fast.", flush=True)
    broken = [f"{kind}: slower than stock: {name}" for name, row in table.items() if times(row, patience) < AS_FAST]
    return broken + ([f"{kind}: the slowest page gains {stock / ours:.1f}×"] if stock < AT_THE_SLOWEST * ours else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS, help="10000 or more")
    parser.add_argument("--postgres", metavar="URL", default=POSTGRES)
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds after which a page is cut off")
    parser.add_argument("--only", choices=["sqlite", "postgres"])
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        in_this_process(options.rows, options.patience)
        return
    broken = []
    for kind, server in {"SQLite": None, "PostgreSQL": options.postgres}.items():
        if options.only in (None, kind.lower().removesuffix("ql")):
            table = measured(options.rows, options.patience, server)
            show(kind, options.rows, table, options.patience)
            broken += what_does_not_hold(kind, table, options.patience)
    print("The stock admin runs on our indexes, and with raw IDs in place of a <select> of every patient.")
    if broken:
        sys.exit("Does not hold: " + "; ".join(broken))
    print(f"Holds: {AT_THE_SLOWEST}× as fast at the slowest page, slower nowhere.")


if __name__ == "__main__":
    main()
