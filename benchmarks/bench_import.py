"""Patients in and out as files: 100 000 imported with history, 1 000 000 exported.

    python benchmarks/bench_import.py [--rows 100000] [--peer-rows 5000] [--exported 1000000] [--postgres postgres://…/postgres]

Each measurement runs in a process of its own, imports into a database of its own in a temporary folder (or on that
PostgreSQL server). Ours is the real path: the file is read, each row is checked by the model's rules, found by its
natural key, written in one transaction with history. Beside it, on the first rows of the same file: a ModelResource
with import-export's defaults and the same columns and key, which checks nothing; on fewer rows, as it takes minutes.
Both get the CPU's time too, which tells more than the clock where other work shares the machine. They take turns, and
the best run of each counts: within minutes such a machine drifts by a tenth.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from installations import database

HERE = Path(__file__).resolve().parent
ROWS, PEER_ROWS, EXPORTED = 100_000, 5_000, 1_000_000
COLUMNS = ["full_name", "date_of_birth", "sex", "national_id", "phone", "email", "notes"]
ROUNDS = 3
FASTER, MEMORY_IN, MEMORY_OUT = 10, 300, 150


# -- One measurement, in a process of its own --------------------------------------------------------------------------


def person(number: int) -> list[str]:
    return [
        f"Patient {number}",
        f"19{10 + number % 90}-0{1 + number % 9}-1{number % 10}",
        "female" if number % 2 else "male",
        national_id(number),
        f"0912{number:07}",
        f"patient{number}@example.org",
        f"Note {number}, such as a clinic writes it",
    ]


def national_id(number: int) -> str:
    """The number's own, with the check digit that makes it true."""
    from clinic.identity import LETTER_VALUES, WEIGHTS

    letter, rest = "ABCDEFGHJK"[number // 10_000_000 % 10], f"1{number % 10_000_000:07}"
    digits = [*divmod(LETTER_VALUES[letter], 10), *map(int, rest), 0]
    check = -sum(weight * digit for weight, digit in zip(WEIGHTS, digits, strict=True)) % 10
    return f"{letter}{rest}{check}"


def write_file(path: Path, rows: int) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(person(number) for number in range(rows))


def prepare(rows: int) -> dict[str, float]:
    from django.core.management import call_command

    from backoffice.models import User

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("bench")
    return {}


def ours(rows: int) -> dict[str, float]:
    from backoffice.exchange.importing import run_import
    from backoffice.exchange.reading import read_table
    from backoffice.models import User
    from clinic.resources import PatientResource

    def take_in(path: Path) -> None:
        with open(path, "rb") as file:
            done = run_import(PatientResource(), read_table(file, path.name), by=User.objects.get(), dry_run=False)
        assert (done.written, done.new, done.errors) == (True, rows, []), done.errors

    return imported(rows, take_in)


def peer(rows: int) -> dict[str, float]:
    import tablib
    from import_export.resources import ModelResource

    from clinic.models import Patient

    class Stock(ModelResource):
        class Meta:
            model = Patient
            fields = COLUMNS
            import_id_fields = ["national_id"]

    def take_in(path: Path) -> None:
        dataset = tablib.Dataset().load(path.read_text(encoding="utf-8"), format="csv")
        assert Stock().import_data(dataset, raise_errors=True).totals["new"] == rows

    return imported(rows, take_in)


def imported(rows: int, take_in: Callable[[Path], None]) -> dict[str, float]:
    """Rows a second by the clock and by the CPU, and this process's peak memory in MB."""
    from clinic.models import Patient

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "patients.csv"
        write_file(path, rows)
        clock, cpu = time.perf_counter(), time.process_time()
        take_in(path)
        taken = {"rate": rows / (time.perf_counter() - clock), "cpu": rows / (time.process_time() - cpu)}
    assert Patient.objects.count() == Patient.history.count() == rows, "a row or its history is missing"
    return taken | {"memory": memory()}


def fill(rows: int) -> dict[str, float]:
    """That many patients, without history: only the export is measured on them."""
    from clinic.models import Patient

    for start in range(0, rows, 10_000):
        people = (person(number) for number in range(start, min(start + 10_000, rows)))
        Patient.objects.bulk_create(Patient(**dict(zip(COLUMNS, cells, strict=True))) for cells in people)
    return {}


def our_export(rows: int) -> dict[str, float]:
    from backoffice.exchange.exporting import stream_csv
    from clinic.models import Patient
    from clinic.resources import PatientResource

    clock = time.perf_counter()
    lines = sum(piece.count(b"\r\n") for piece in stream_csv(PatientResource(), Patient.objects.all(), "patients"))
    assert lines == rows + 1, "the file has not every row"
    return {"rate": rows / (time.perf_counter() - clock), "memory": memory()}


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


MEASUREMENTS = {function.__name__: function for function in (prepare, ours, peer, fill, our_export)}


def measure_here(name: str, rows: int) -> None:
    sys.path.insert(0, str(HERE.parent))
    os.environ["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"
    import django
    from django.conf import settings

    django.setup()
    settings.DEBUG = False  # it was on so that static files need no collecting; on, it would keep every query
    print(json.dumps(MEASUREMENTS[name](rows)))


# -- All of them -------------------------------------------------------------------------------------------------------


def measure(server: str | None, *steps: tuple[str, int]) -> dict[str, float]:
    """Run steps one after the other on one new database; returns what the last one measured."""
    with database(server) as environment:
        for name, rows in [("prepare", 0), *steps]:
            command = [sys.executable, __file__, "--measure", name, "--rows", str(rows)]
            printed = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout
    return json.loads(printed.splitlines()[-1])


def best(runs: Iterable[dict[str, float]]) -> dict[str, float]:
    """The highest rates, and the most memory."""
    return {name: max(run[name] for run in runs) for name in ("rate", "cpu", "memory")}


def print_row(what: str, rows: int, measured: dict[str, float]) -> None:
    cpu = f"{measured['cpu']:>13,.0f}" if "cpu" in measured else " " * 13
    print(f"{what:<34} {rows:>9,} {measured['rate']:>9,.0f} {cpu} {measured['memory']:>7.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS, help="imported by ours")
    parser.add_argument("--peer-rows", type=int, default=PEER_ROWS, help="imported by import-export's defaults")
    parser.add_argument("--exported", type=int, default=EXPORTED)
    parser.add_argument("--postgres", metavar="URL", help="measure on this server instead of SQLite")
    parser.add_argument("--measure", choices=MEASUREMENTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure_here(options.measure, options.rows)
        return
    print(f"Patients as CSV, {'PostgreSQL' if options.postgres else 'SQLite'}")
    print(f"{'':<34} {'rows':>9} {'rows/s':>9} {'rows/s of CPU':>13} {'RSS, MB':>7}")
    steps = {"ours": options.rows, "peer": options.peer_rows}
    rounds = [[measure(options.postgres, step) for step in steps.items()] for _round in range(ROUNDS)]
    mine, stock = (best(runs) for runs in zip(*rounds, strict=True))
    print_row("ours: checked, with history", options.rows, mine)
    print_row("import-export's defaults", options.peer_rows, stock)
    out = measure(options.postgres, ("fill", options.exported), ("our_export", options.exported))
    print_row("our export", options.exported, out)
    faster, faster_cpu = mine["rate"] / stock["rate"], mine["cpu"] / stock["cpu"]
    print(f"{faster:.1f}× as fast by the clock, {faster_cpu:.1f}× by this process's CPU.")
    if broken := what_does_not_hold(faster, mine, out):
        sys.exit("Does not hold: " + "; ".join(broken))
    print(f"Holds: {FASTER}× as fast, an import under {MEMORY_IN} MB, an export under {MEMORY_OUT} MB.")


def what_does_not_hold(faster: float, mine: dict, out: dict) -> list[str]:
    rules = {
        f"the import is not {FASTER}× as fast": faster < FASTER,
        f"the import takes {MEMORY_IN} MB or more": mine["memory"] >= MEMORY_IN,
        f"the export takes {MEMORY_OUT} MB or more": out["memory"] >= MEMORY_OUT,
    }
    return [rule for rule, broken in rules.items() if broken]


if __name__ == "__main__":
    main()
