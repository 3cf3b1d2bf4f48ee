"""Complete bookings per second over HTTP, and how many places are sold that are not there.

Fifty patients at once walk the public pages (seven requests each, a cookie and a national ID of their own) and each
takes one of the first times that are offered, until all places are sold. Served by gunicorn with the Procfile's two
workers of four threads, in production settings, on SQLite and PostgreSQL, each with a database of its own; beside it,
in the same run, the same site with booking exchanged for count-then-insert (count_then_insert.py).

Clients and servers share this machine's cores: the ratios say more than the numbers.
"""

import http.client
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from installations import free_port

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
BOOKERS = 50
PLACES = 12  # in each of fourteen sessions
CHOICES = 4  # each takes one of so many times that are offered first
LIMIT = 25  # seconds for one round
IDLE = 15  # seconds after which a browser takes a new connection: the server keeps one for 20

SEED = f"""
import datetime
from clinic.models import LikertQuestion, NumericQuestion, OpeningHours, Symptom
for weekday in range(7):
    OpeningHours.objects.create(weekday=weekday, period="morning", capacity={PLACES},
                                opens_at=datetime.time(9), closes_at=datetime.time(12))
Symptom.objects.create(name="Cough")
for position, text in enumerate(["Do you sleep well?", "Do you eat well?"]):
    LikertQuestion.objects.create(text=text, min_label="never", max_label="always", position=position)
NumericQuestion.objects.create(text="Cups of coffee", unit="a day")
"""
COUNT = """
import json
from collections import Counter
from clinic.models import Appointment, ClinicSession
sold = Counter(Appointment.objects.active().values_list("session", flat=True))
numbers = Counter(Appointment.objects.values_list("session", "queue_number"))
print(json.dumps({
    "rows": sum(sold.values()),
    "oversold": sum(max(0, sold[s.pk] - s.capacity) for s in ClinicSession.objects.all()),
    "twice": sum(times - 1 for times in numbers.values()),
}))
"""


# -- A site of its own ------------------------------------------------------------------------------------------------


@dataclass
class Site:
    data_dir: Path
    database_url: str
    port: int

    @property
    def environment(self) -> dict[str, str]:
        ours = ("DJANGO_", "DATABASE_", "REDIS_", "BOOKING_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return kept | {
            "DATA_DIR": str(self.data_dir),
            "DATABASE_URL": self.database_url,
            "DJANGO_SECRET_KEY": uuid.uuid5(uuid.NAMESPACE_URL, str(self.data_dir)).hex * 2,
            "DJANGO_BEHIND_PROXY": "1",  # the bookers say that they speak HTTPS, and from where
            "BOOKING_MIN_SECONDS": "0",  # they type faster than people
        }

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def shell(self, code: str) -> str:
        return self.manage("shell", "--no-imports", "-c", code)

    @contextmanager
    def serving(self, application: str) -> Iterator[None]:
        bind = ["--bind", f"127.0.0.1:{self.port}", "--workers", "2", "--threads", "4", "--timeout", "60"]
        command = [sys.executable, "-m", "gunicorn", application, *bind, "--log-level", "warning"]
        with open(self.data_dir / "server.log", "ab") as log:
            server = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._wait_until_up()
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()

    def _wait_until_up(self) -> None:
        for _attempt in range(120):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.25)
        raise SystemExit("The server did not start:\n" + (self.data_dir / "server.log").read_text()[-2000:])


@contextmanager
def postgres_database() -> Iterator[str]:
    name = f"collimator_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(POSTGRES_URL, autocommit=True, connect_timeout=3) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{POSTGRES_URL.rsplit('/', 1)[0]}/{name}"
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


# -- A patient with a browser -----------------------------------------------------------------------------------------


class Browser:
    """Keeps cookies, follows redirects, sends forms with what the page hides in them."""

    HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')

    def __init__(self, port: int, address: str, statuses: Counter) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}
        self.headers = {
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": address,
            "Referer": f"https://127.0.0.1:{port}/",
        }
        self.statuses = statuses
        self.page = ""
        self.status = 0
        self.last = 0.0

    def get(self, path: str) -> tuple[str, str]:
        return self._ask("GET", path)

    def post(self, path: str, fields: dict) -> tuple[str, str]:
        """The path and the text of the page where it ended."""
        hidden = dict(self.HIDDEN.findall(self.page)) | {"csrfmiddlewaretoken": self.cookies["csrftoken"]}
        return self._ask("POST", path, urlencode(hidden | fields, doseq=True))

    def exchange(
        self, method: str, path: str, body: str | bytes | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, str]:
        """One request and its answer, redirects not followed."""
        if time.monotonic() - self.last > IDLE:
            self.connection.close()
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            return answer, answer.read().decode()
        finally:
            self.last = time.monotonic()

    def _ask(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        kind: str = "application/x-www-form-urlencoded",
    ) -> tuple[str, str]:
        headers = self.headers | {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = kind
        answer, text = self.exchange(method, path, body, headers)
        self.status = answer.status
        self.statuses[answer.status // 100] += 1
        for line in answer.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        if answer.status in (301, 302, 303):
            return self._ask("GET", answer.headers["Location"])
        self.page = text
        return path, text


def national_ids(first: int = 0) -> Iterator[str]:
    """Valid ones from that number on, each once."""
    from django.core.exceptions import ValidationError

    from clinic.identity import taiwan_national_id

    for number in count(first):
        with suppress(ValidationError):
            national_id = f"A1{number:08d}"
            taiwan_national_id(national_id)
            yield national_id


def details(national_id: str) -> dict:
    return {
        "full_name": f"Patient {national_id}",
        "date_of_birth": "1980-01-01",
        "sex": "female",
        "national_id": national_id,
        "phone": "0912 345 678",
        "email": f"{national_id}@example.org",
        "symptoms": ["1"],
    }


def answers(page: str) -> dict:
    return dict.fromkeys(re.findall(r'name="(c?habit_\d+)"', page), "5")


# -- A rush -----------------------------------------------------------------------------------------------------------


@dataclass
class Rush:
    port: int
    ids: Iterator[str] = field(default_factory=national_ids)
    statuses: Counter = field(default_factory=Counter)  # by their hundreds
    took: list[float] = field(default_factory=list)  # seconds for each complete booking
    told_full: int = 0
    broken: int = 0  # a connection dropped or a page that was none of ours
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> float:
        """Let all of them book until nothing is left; returns the seconds that took."""
        started = time.perf_counter()
        bookers = [threading.Thread(target=self.book_on, args=(number, started)) for number in range(BOOKERS)]
        for booker in bookers:
            booker.start()
        for booker in bookers:
            booker.join()
        return time.perf_counter() - started

    def book_on(self, number: int, started: float) -> None:
        while time.perf_counter() - started < LIMIT:
            with self.lock:
                national_id = next(self.ids)
            try:
                if not self.book_one(f"192.0.2.{number}", national_id):
                    return
            except (OSError, http.client.HTTPException, KeyError):
                with self.lock:
                    self.broken += 1

    def book_one(self, address: str, national_id: str) -> bool:
        """One patient from the first page to the last; False where no time is left to choose."""
        started = time.perf_counter()
        browser = Browser(self.port, address, self.statuses)
        _path, page = browser.get("/book/")
        offered = re.findall(r'name="session" value="([^"]+)"', page)
        if not offered:
            return False
        browser.post("/book/", {"session": random.choice(offered[:CHOICES])})
        _path, page = browser.post("/book/details/", details(national_id))
        path, _page = browser.post("/book/survey/", answers(page))
        with self.lock:
            if path == "/book/done/":
                self.took.append(time.perf_counter() - started)
            elif path == "/book/":
                self.told_full += 1
            else:
                self.broken += 1
        return True


def measure(site: Site, application: str, prepare: str = "") -> dict:
    site.manage("migrate", "--verbosity", "0")
    site.shell(SEED + prepare)
    with site.serving(application):
        rush = Rush(site.port)
        seconds = rush.run()
    return {
        **json.loads(site.shell(COUNT).splitlines()[-1]),
        "rate": len(rush.took) / seconds,
        "p95": statistics.quantiles(rush.took, n=20)[-1],
        "told_full": rush.told_full,
        "failed": rush.statuses[5] + rush.broken,
    }


COLUMNS = (
    "database",
    "booking",
    "bookings/s",
    "ratio",
    "95 % done in",
    "sold",
    "told full",
    "5xx or broken",
    "oversold",
    "numbers twice",
)
OURS = ("conditional UPDATE", "backoffice.wsgi", "")
PEER = (
    "count, then insert",
    "benchmarks.count_then_insert",
    "from benchmarks.count_then_insert import drop_the_constraint; drop_the_constraint()\n",
)


def main() -> None:
    print(f"{BOOKERS} bookers at once, {PLACES} places in each session, gunicorn with 2 workers of 4 threads\n")
    print("| " + " | ".join(COLUMNS) + " |\n| --- | --- |" + " ---: |" * (len(COLUMNS) - 2))
    with tempfile.TemporaryDirectory() as folder:
        for database in ("SQLite", "PostgreSQL"):
            compare(database, Path(folder))


def compare(database: str, folder: Path) -> None:
    results = {}
    for name, application, prepare in (PEER, OURS):
        with database_url(database, folder, application) as url:
            site = Site(folder, url, free_port())
            if not (folder / "static" / "staticfiles.json").exists():
                site.manage("collectstatic", "--no-input", "--verbosity", "0")
            results[name] = measure(site, application, prepare)
    peer = results[PEER[0]]["rate"]
    for name, row in results.items():
        speed = f"{row['rate']:.1f} | {row['rate'] / peer:.2f}× | {row['p95']:.1f} s"
        counts = " | ".join(str(row[column]) for column in ("rows", "told_full", "failed", "oversold", "twice"))
        print(f"| {database} | {name} | {speed} | {counts} |", flush=True)


@contextmanager
def database_url(database: str, folder: Path, application: str) -> Iterator[str]:
    if database == "SQLite":
        yield f"sqlite:///{folder / application}.sqlite3"
    else:
        with postgres_database() as url:
            yield url


if __name__ == "__main__":
    main()
