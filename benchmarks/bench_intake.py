"""The intake table at growing sizes: a page of fifty, and the CSV of everything.

    python benchmarks/bench_intake.py [--rows 1000 100000 1000000] [--postgres postgres://…/postgres]

Each size gets a database of its own in a temporary folder (or on that PostgreSQL server), with twelve questions; each
measurement a process of its own. Beside ours, on the same rows: a stock ModelAdmin that looks up each answer, and
import-export's export.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from installations import database

HERE = Path(__file__).resolve().parent
SIZES = [1_000, 100_000, 1_000_000]
EXPORTED_BY_PEER = 100_000  # beyond it, import-export's export takes minutes and gigabytes
REPEATS = 15
SORTED = 9  # the third scale question's column, in ours
SORTED_STOCK = 6  # and in the stock list


# -- One measurement, in a process of its own --------------------------------------------------------------------------


def fill(rows: int) -> None:
    from django.core.management import call_command
    from intake_rows import fill

    from backoffice.models import User

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("bench")
    fill(rows)


def request(query: str = "") -> HttpRequest:
    from django.test import RequestFactory

    from backoffice.models import User

    made: Any = RequestFactory().get(f"/admin/{query}")
    made.user = User.objects.get()
    made.id = "benchmark"
    made.user.is_verified = lambda: True  # nothing is asked for beside the password
    return made


def ours(rows: int) -> dict[str, float]:

    from clinic.models import IntakeRecord

    return pages(admin.site.get_model_admin(IntakeRecord), SORTED)


def stock(rows: int) -> dict[str, float]:
    from intake_peers import stock_admin

    return pages(stock_admin(), SORTED_STOCK)


def pages(model_admin: Any, column: int) -> dict[str, float]:
    """Milliseconds of the first page: in the default order, and sorted by an answer, the worse of both directions."""

    def page(query: str) -> None:
        assert b"result_list" in model_admin.changelist_view(request(query)).render().content

    by_answer = max(milliseconds(lambda: page(f"?o={column}")), milliseconds(lambda: page(f"?o=-{column}")))
    return {"page": milliseconds(lambda: page("")), "sorted": by_answer}


def milliseconds(do: Callable[[], None]) -> float:
    """The best of some runs, so that whatever else this machine does counts least; of fewer where they are slow."""
    do()
    taken: list[float] = []
    while len(taken) < REPEATS and sum(taken) < 10_000:
        start = time.perf_counter()
        do()
        taken.append((time.perf_counter() - start) * 1000)
    return min(taken)


def our_csv(rows: int) -> dict[str, float]:

    from clinic.models import IntakeRecord

    model_admin: Any = admin.site.get_model_admin(IntakeRecord)
    view = model_admin.export_view
    return file(rows, lambda: sum(piece.count(b"\r\n") for piece in view(request()).streaming_content))


def peer_csv(rows: int) -> dict[str, float]:
    import intake_peers

    return file(rows, lambda: intake_peers.resource().export().csv.count("\r\n"))


def file(rows: int, export: Callable[[], int]) -> dict[str, float]:
    """Rows a second, and this process's peak memory in MB."""
    start = time.perf_counter()
    assert export() == rows + 1, "the file has not every row"
    taken = time.perf_counter() - start
    return {"rate": rows / taken, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


MEASUREMENTS = {function.__name__: function for function in (fill, ours, stock, our_csv, peer_csv)}


def measure_here(name: str, rows: int) -> None:
    sys.path.insert(0, str(HERE.parent))
    os.environ["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"
    import django
    from django.conf import settings

    django.setup()
    settings.DEBUG = False  # it was on so that static files need no collecting; on, it would keep every query
    print(json.dumps(MEASUREMENTS[name](rows)))


# -- All of them -------------------------------------------------------------------------------------------------------


def measure(name: str, rows: int, environment: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", name, "--rows", str(rows)]
    return json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)


def row_of(rows: int, server: str | None) -> dict[str, dict[str, float]]:
    with database(server) as environment:
        measure("fill", rows, environment)
        names = ["ours", "stock", "our_csv", *(["peer_csv"] if rows <= EXPORTED_BY_PEER else [])]
        return {name: measure(name, rows, environment) for name in names}


HEADER = """
          | ours: page of 50, ms         | a stock ModelAdmin, ms      | our CSV      | import-export
     rows |   page growth  sorted ÷ page |   page ÷ ours sorted ÷ ours | rows/s    MB | rows/s    MB"""


def print_row(rows: int, row: dict, first: dict) -> None:
    page, by_answer = row["ours"]["page"], row["ours"]["sorted"]
    stock, stock_by_answer = row["stock"]["page"], row["stock"]["sorted"]
    csv, peer = row["our_csv"], row.get("peer_csv")
    cells = [
        f"{rows:>9,}",
        f"{page:>6.0f} {page / first['ours']['page']:>5.2f}× {by_answer:>7.0f} {by_answer / page:>5.2f}×",
        f"{stock:>6.0f} {stock / page:>5.1f}× {stock_by_answer:>6.0f} {stock_by_answer / by_answer:>5.1f}×",
        f"{csv['rate']:>6,.0f} {csv['memory']:>5.0f}",
        f"{peer['rate']:>6,.0f} {peer['memory']:>5.0f}" if peer else "left out",
    ]
    print(" | ".join(cells), flush=True)


def what_does_not_hold(table: dict[int, dict]) -> list[str]:
    first, last = table[min(table)], table[max(table)]
    rules = {
        "the page in the default order grows by 2× or more": last["ours"]["page"] >= 2 * first["ours"]["page"],
        "sorted by an answer takes more than 5× the default order": any(
            row["ours"]["sorted"] > 5 * row["ours"]["page"] for row in table.values()
        ),
        "the CSV takes 150 MB or more": any(row["our_csv"]["memory"] >= 150 for row in table.values()),
    }
    return [rule for rule, broken in rules.items() if broken]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES, help="1000 or more each")
    parser.add_argument("--postgres", metavar="URL", help="measure on this server instead of SQLite")
    parser.add_argument("--measure", choices=MEASUREMENTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure_here(options.measure, options.rows[0])
        return
    print(f"Intake table, 12 questions, {'PostgreSQL' if options.postgres else 'SQLite'}{HEADER}")
    table = {}
    for rows in sorted(options.rows):
        table[rows] = row_of(rows, options.postgres)
        print_row(rows, table[rows], table[min(table)])
    print(f"import-export's export is left out beyond {EXPORTED_BY_PEER:,} rows.")
    if broken := what_does_not_hold(table):
        sys.exit("Does not hold: " + "; ".join(broken))
    print("Holds: growth under 2×, sorted within 5× of the default order, CSV under 150 MB.")


if __name__ == "__main__":
    main()
