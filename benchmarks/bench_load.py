"""A clinic's morning at 1× to 50×: how long each kind of request takes, and what is used up first.

    python benchmarks/bench_load.py [--minutes 1] [--steps 1 10 25 50] [--only sqlite|postgres]

The busiest hour of one clinic (morning.py) on one site, so many times as fast and with so many times as many pages
open: patients book by the whole public way and watch their own pages, desks check in and call, clinicians send films
and ask the demonstration's models, administrators list and search. Real requests of real processes, to all that the
Procfile starts, in production settings: on SQLite, and on PostgreSQL with Redis where they are there
(BENCH_POSTGRES_URL; BENCH_REDIS_URL, of which a database that is empty is taken, and emptied afterwards). `--minutes`
are those of all steps on one of them.

The visitors share this machine's processors with what they visit; their part is printed beside the others'. Exits with
1 where a request failed or a place was sold that there is not.
"""

import argparse
import gzip
import http.client
import json
import logging
import multiprocessing
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import morning
import processors
import psycopg
import redis
from bench_booking import COUNT, SEED
from installations import ROOT, at_work, database, manage
from morning import KINDS, Site, Told

POSTGRES_URL = os.environ.get("BENCH_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS_URL = os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379")
STEPS, MINUTES = [1, 10, 25, 50], 1.0
PATIENTS = 10_000  # on file, each with a visit on one of the days before
EXPECTED = 60  # on today's session
PLACES = 4  # in each of the sessions that are offered
CORES = os.cpu_count() or 1
PLAYERS = 2  # processes of visitors
PROBES_A_SECOND = 10
QUICK, IN_TIME, BUSY, WAITED = 1.0, 0.9, 0.85, 0.1  # seconds; of the requests; of the processors; for a write turn
SETTINGS = {
    "DJANGO_DEBUG": "0",
    "DJANGO_BEHIND_PROXY": "1",
    "SITE_URL": "https://127.0.0.1",
    "BOOKING_MIN_SECONDS": "0",
    "MAX_PREDICTIONS_PER_DAY": "10000",
    "EMAIL_URL": "dummymail://",
    "INFERENCE_TUNING": "0",  # which is done once on a machine, in the first minutes
    "LOG_FORMAT": "text",
}


# -- An installation to visit ------------------------------------------------------------------------------------------


def fill(expected: int, films: int) -> None:
    """In a process of its own: prints what `Site` is made of, but for the port."""
    sys.path.insert(0, str(ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"
    import django

    django.setup()
    logging.disable(logging.INFO)
    import admin_rows
    from django.contrib.auth.models import Group
    from django.core.management import call_command
    from django.core.management.color import no_style
    from django.db import connection
    from django.test import Client
    from django.utils import timezone

    from backoffice.access import roles
    from backoffice.models import User
    from clinic import booking
    from clinic.admin.desk import desk_url
    from clinic.models import Appointment, ClinicSession, OpeningHours, Patient, Period
    from inference.demo import WEIGHTS
    from inference.registry.registration import register_folder

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("shell", "--no-imports", command=SEED)
    admin_rows.fill(PATIENTS, days_ahead=-1)
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Patient, Appointment, ClinicSession]):
            cursor.execute(statement)
    OpeningHours.objects.update(capacity=PLACES)
    register_folder(WEIGHTS)
    staff = {}
    for role, group in {
        "desk": roles.FRONT_DESK,
        "clinician": roles.CLINICIANS,
        "administrator": roles.ADMINISTRATORS,
    }.items():
        person = User.objects.create_user(role, is_staff=True)
        person.groups.add(Group.objects.get(name=group))
        client = Client()
        client.force_login(person)
        staff[role] = client.cookies["sessionid"].value
    session = booking.session_to_book(timezone.localdate(), Period.MORNING)
    session.opens_at, session.closes_at = session.opens_at.replace(hour=0), session.closes_at.replace(hour=23)
    session.capacity, session.set_by_hand = expected, True
    session.save()
    people = list(Patient.objects.visible().order_by("pk")[: max(expected, films)])
    desk = User.objects.get(username="desk")
    visits = [booking.book(session, patient, by=desk) for patient in people[:expected]]
    for visit in visits[:6]:
        booking.check_in(visit, by=desk)
    folder = Path(os.environ["DATA_DIR"], "films")
    folder.mkdir()
    write_films(folder, films)
    print(
        json.dumps(
            {
                "desk": desk_url(session),
                "bookings": [visit.reference for visit in visits],
                "staff": staff,
                "patients": [patient.pk for patient in people],
                "films": str(folder),
            }
        )
    )


def write_films(folder: Path, films: int) -> None:
    """Chests of a small detector's size, each file another one."""
    from imaging.demo import png
    from imaging.phantom import DIAGNOSES, render

    drawn = [render(diagnosis, 100) for diagnosis in DIAGNOSES]
    for number in range(films):
        picture = drawn[number % len(drawn)].copy()
        picture[0, :2] = divmod(number, 256)
        (folder / f"film-{number:04}.png").write_bytes(png(picture))


@contextmanager
def emptied_redis() -> Iterator[str]:
    """One of its numbered databases that nobody uses. Raises redis.ConnectionError where there is none."""
    for number in range(15, 0, -1):
        with closing(redis.Redis.from_url(f"{REDIS_URL}/{number}", socket_connect_timeout=3)) as client:
            if client.dbsize() == 0:
                try:
                    yield f"{REDIS_URL}/{number}"
                finally:
                    client.flushdb()
                return
    raise redis.ConnectionError("each of Redis's databases is in use")


@contextmanager
def installation(kind: str) -> Iterator[dict[str, str]]:
    """Raises psycopg.OperationalError or redis.ConnectionError where a server is not there."""
    with ExitStack() as stack:
        settings = SETTINGS | {"REDIS_URL": ""}
        if kind == "postgres":
            settings["REDIS_URL"] = stack.enter_context(emptied_redis())
        yield stack.enter_context(database(POSTGRES_URL if kind == "postgres" else None)) | settings


# -- One step ----------------------------------------------------------------------------------------------------------


@dataclass
class Step:
    times: int
    seconds: float
    told: list[Told]
    cores: dict[str, float]  # busy in the mean, of each part
    turns: list[float]  # seconds that a writer waited for SQLite's write turn

    @property
    def all(self) -> list[morning.Took]:
        """What was begun while it ran: afterwards some films' answers are still waited for, on a site that is calm."""
        return [took for told in self.told for took in told.took if took.began < self.seconds]

    @property
    def asked(self) -> float:
        """Requests a second, with the looks that pages left out."""
        return (len(self.all) + sum(told.skipped for told in self.told)) / self.seconds

    @property
    def answered(self) -> float:
        return sum(took.began + took.seconds <= self.seconds for took in self.all) / self.seconds

    @property
    def wrong(self) -> Counter[str]:
        return Counter(f"{took.kind}: {took.wrong}" for told in self.told for took in told.took if took.wrong)

    def taken(self, kind: str = "") -> list[float]:
        return [took.seconds for took in self.all if kind in ("", took.kind)]

    @property
    def is_served(self) -> bool:
        return percentile(self.taken(), 95) <= QUICK and self.answered >= IN_TIME * self.asked


def percentile(taken: list[float], percent: int) -> float:
    return statistics.quantiles(taken, n=100, method="inclusive")[percent - 1] if len(taken) > 1 else sum(taken)


class Watched:
    """What is busy while a step runs."""

    def __init__(self, environment: dict[str, str], started: dict[str, int]) -> None:
        self.environment, self.started = environment, started
        self.name = environment.get("DATABASE_URL", "").rpartition("/")[2]

    def now(self) -> dict[str, float]:
        seconds = {name: processors.with_children(pid) for name, pid in self.started.items()}
        if self.name:
            seconds["database"] = processors.named(f" {self.name} ", "redis-server")
        return seconds | {"all": processors.of_all()}

    def write_turns(self, until: float) -> list[float]:
        """Seconds that a transaction of SQLite's waited for its turn, tried again and again."""
        if self.name:
            time.sleep(max(0, until - time.time()))
            return []
        waited = []
        with closing(
            sqlite3.connect(Path(self.environment["DATA_DIR"], "db.sqlite3"), timeout=60, isolation_level=None)
        ) as connection:
            while time.time() < until:
                began = time.monotonic()
                connection.execute("BEGIN IMMEDIATE")
                waited.append(time.monotonic() - began)
                connection.execute("ROLLBACK")
                time.sleep(1 / PROBES_A_SECOND)
        return waited


def run_step(pool: ProcessPoolExecutor, site: Site, watched: Watched, times: int, seconds: float) -> Step:
    began = time.time() + 2
    playing: list[Future[Told]] = [
        pool.submit(morning.play, site, times, began, seconds, part, PLAYERS) for part in range(PLAYERS)
    ]
    time.sleep(max(0, began - time.time()))
    before = watched.now()
    turns = watched.write_turns(began + seconds)
    cores = {name: (total - before[name]) / seconds for name, total in watched.now().items()}
    told = [one.result() for one in playing]
    cores["visitors"] = sum(one.processor for one in told) / seconds
    everything = cores.pop("all")
    cores["others"] = max(0, everything - sum(cores.values()))
    return Step(times, seconds, told, cores, turns)


# -- The first load of the page where patients book ------------------------------------------------------------------


def first_load(port: int) -> None:
    """Bytes and requests of a browser that has never been here, as the server sends them."""
    print("\nThe page where patients book, for a browser that has never been there:\n")
    print("| | sent | unpacked | as | kept by the browser |\n| --- | ---: | ---: | --- | --- |")
    headers = {"X-Forwarded-Proto": "https", "Accept-Encoding": "gzip, br"}
    waiting, seen, total = ["/book/"], set(), 0
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        while waiting:
            path = waiting.pop(0)
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            packed = answer.headers.get("Content-Encoding", "")
            text = gzip.decompress(body) if packed == "gzip" else body
            shown = re.sub(r"\.[0-9a-f]{12}\.", ".", path)
            kept = answer.headers.get("Cache-Control", "nothing said")
            print(f"| {shown} | {len(body)} | {len(text)} | {packed or 'itself'} | {kept} |")
            total += len(body)
            seen.add(path)
            if path == "/book/":
                named = re.findall(r'<(?:link|script|img)[^>]*(?:href|src)="(/[^"]+)"', text.decode())
                waiting += [one for one in dict.fromkeys(named) if one not in seen]
    print(f"\n{len(seen)} requests in two turns (the page, then all that it names), {total / 1000:.1f} kB.")


# -- What is printed ---------------------------------------------------------------------------------------------------


def print_header(step: Step) -> None:
    print("| | requests/s, of those due | 50 % | 95 % | 99 % | failed |", end="")
    print(*(f" {part} |" for part in step.cores), " write turn, 95 % | films answered after |", sep="")
    print("| ---: |" + " ---: |" * (7 + len(step.cores)))


def print_step(step: Step) -> None:
    answered = [seconds for told in step.told for seconds in told.answered]
    cells = [
        f"{step.times}×",
        f"{step.answered:.1f} of {step.asked:.1f}",
        *(milliseconds(step.taken(), percent) for percent in (50, 95, 99)),
        f"{step.wrong.total()}",
        *(f"{cores:.2f}" for cores in step.cores.values()),
        milliseconds(step.turns, 95) if step.turns else "–",
        f"{statistics.median(answered):.1f} s" if answered else "not within the minute",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


def print_kinds(steps: list[Step]) -> None:
    print("\n| 50 / 95 / 99 %, ms |" + "".join(f" {step.times}× |" for step in steps))
    print("| --- |" + " ---: |" * len(steps))
    for kind in KINDS:
        cells = [
            " / ".join(f"{1000 * percentile(step.taken(kind), percent):.0f}" for percent in (50, 95, 99))
            if step.taken(kind)
            else "–"
            for step in steps
        ]
        print(f"| {kind} | {' | '.join(cells)} |")


def milliseconds(taken: list[float], percent: int) -> str:
    return f"{1000 * percentile(taken, percent):.0f} ms"


def say_what_is_used_up(steps: list[Step]) -> None:
    served = [step for step in steps if step.is_served]
    if served:
        print(f"\nUp to {served[-1].times}× nineteen of twenty requests are answered within {QUICK:.0f} s.")
    if first := next((step for step in steps if not step.is_served), None):
        print(f"At {first.times}× no longer: {what_is_used_up(first)}.")
    else:
        print("Nothing was used up.")


def what_is_used_up(step: Step) -> str:
    busiest = sorted(step.cores, key=step.cores.__getitem__, reverse=True)
    if step.turns and percentile(step.turns, 95) > WAITED and sum(step.cores.values()) < BUSY * CORES:
        return f"a writer waits {milliseconds(step.turns, 95)} for its turn in SQLite"
    if sum(step.cores.values()) >= BUSY * CORES:
        parts = ", ".join(f"{part} {step.cores[part]:.2f}" for part in busiest if step.cores[part] >= 0.05)
        return f"this machine's {CORES} processors are ({parts})"
    return "the web process's threads wait, and not for a processor"


def play_on(environment: dict[str, str], steps: list[int], minutes: float) -> bool:
    """Whether all went as it must."""
    seconds = 60 * minutes / len(steps)
    due = sum(steps) * seconds / 3600  # hours of one clinic
    expected, films = EXPECTED + round(morning.PRESSES * due / 3), 4 * len(steps) + round(morning.FILMS * due)
    command = [sys.executable, __file__, "--fill", str(expected), str(films)]
    filled = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout
    log = Path(environment["DATA_DIR"], "log")
    with (
        at_work(environment, log) as (port, started),
        ProcessPoolExecutor(PLAYERS, multiprocessing.get_context("spawn")) as pool,
    ):
        site = Site(port=port, **json.loads(filled.splitlines()[-1]))
        watched = Watched(environment, started)
        morning.warm_up(site)
        done: list[Step] = []
        for times in steps:
            done.append(run_step(pool, site, watched, times, seconds))
            if len(done) == 1:
                print_header(done[0])
            print_step(done[-1])
        print_kinds(done)
        say_what_is_used_up(done)
        if not watched.name:
            first_load(port)
    sold = json.loads(manage(environment, "shell", "--no-imports", "-c", COUNT).splitlines()[-1])
    return is_well(done, sold, log)


def is_well(steps: list[Step], sold: dict[str, int], log: Path) -> bool:
    wrong = sum((step.wrong for step in steps), Counter())
    told = [one for step in steps for one in step.told]
    booked, full = sum(one.booked for one in told), sum(one.told_full for one in told)
    counts = f"{sold['oversold']} oversold, {sold['twice']} numbers twice, {wrong.total()} requests failed"
    print(f"\n{booked} booked, {full} told that it is full; {counts}.")
    for what, n in wrong.most_common(10):
        print(f"  {n} × {what}")
    if wrong:
        print(log.read_text(errors="replace")[-3000:], file=sys.stderr)
    return not wrong and not sold["oversold"] and not sold["twice"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of all steps, on each database")
    parser.add_argument("--steps", type=int, nargs="+", default=STEPS)
    parser.add_argument("--only", choices=["sqlite", "postgres"])
    parser.add_argument("--fill", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        fill(*options.fill)
        return
    print(
        f"In one clinic's hour: {morning.BOOKINGS} bookings, {morning.PRESSES} presses at {morning.DESKS[0]} desks, "
        f"{morning.FILMS} films, {morning.LISTS} lists and searches; {morning.WAITING_ROOM[0]} patients' pages open."
    )
    well = True
    for kind, name in {"sqlite": "SQLite", "postgres": "PostgreSQL and Redis"}.items():
        if options.only in (None, kind):
            with ExitStack() as stack:
                print(f"\n{name}\n", flush=True)
                try:
                    environment = stack.enter_context(installation(kind))
                except (psycopg.OperationalError, redis.ConnectionError) as error:
                    print(f"left out: {error}")
                    continue
                well &= play_on(environment, options.steps, options.minutes)
    sys.exit(not well)


if __name__ == "__main__":
    main()
