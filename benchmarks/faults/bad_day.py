"""What the scripts of bad days share: a clinic of real processes, people who use it meanwhile, and what is said of it.

Each script puts one fault upon a clinic of its own, and prints what is promised, what was done and what was found; it
exits with 1 where a promise broke:

    for day in database_gone redis_gone disk_full web_killed mail_hangs mixed_load; do
        python benchmarks/faults/$day.py
    done

They need PostgreSQL at TEST_POSTGRES_URL, whose other databases they leave alone; `redis_gone` and `mixed_load` on
PostgreSQL need a redis-server to start, `disk_full` root, to mount a disk of its own, and `mixed_load` the weights of
fixtures/.
"""

import http.client
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench_booking import (
    CHOICES,
    ROOT,
    SEED,
    Browser,
    Site,
    answers,
    details,
    free_port,
    national_ids,
    postgres_database,
)
from installations import wait_for
from urllib3 import encode_multipart_formdata

PATIENCE = 300  # seconds that anything may take on a busy machine
SORRY = ("Something went wrong on our side", "Busy just now")
RUNNING = " running."  # a cluster's log, once it is at work
PASSWORD = "of-this-run-alone"  # noqa: S105
ROOM = """
from backoffice.models import User
from clinic.models import Patient
OpeningHours.objects.update(capacity=500)
User.objects.create_superuser("admin", password="of-this-run-alone")
Patient.objects.create(full_name="Whose films", date_of_birth=datetime.date(1980, 1, 1), sex="female")
"""
HALVES = """
SELECT count(*) FROM clinic_appointment a WHERE
    (SELECT count(*) FROM clinic_historicalappointment h WHERE h.id = a.id AND h.history_type = '+') <> 1
    OR (SELECT count(*) FROM clinic_intakerecord i WHERE i.appointment_id = a.id) <> 1
    OR (SELECT count(*) FROM clinic_likertanswer l WHERE l.appointment_id = a.id) <> 2
    OR (SELECT count(*) FROM clinic_numericanswer n WHERE n.appointment_id = a.id) <> 1
    OR (SELECT count(*) FROM clinic_appointment_symptoms s WHERE s.appointment_id = a.id) <> 1
"""
BOOKED = "SELECT p.full_name FROM clinic_appointment a JOIN clinic_patient p ON p.id = a.patient_id"
NOBODYS = """
SELECT count(*) FROM clinic_patient p WHERE p.full_name LIKE 'Patient A%'
    AND (SELECT count(*) FROM clinic_appointment a WHERE a.patient_id = p.id) <> 1
"""

failures: list[str] = []
signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(143))  # nothing of it is left running, or mounted


def said(promised: str, done: str) -> None:
    print(f"\npromised  {promised}\ndone      {done}", flush=True)


def found(what: str, is_so: bool) -> None:
    print(f"{'found    ' if is_so else 'BROKEN   '} {what}", flush=True)
    if not is_so:
        failures.append(what)


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Whether it came within so long."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


# -- The clinic -------------------------------------------------------------------------------------------------------


@dataclass
class Clinic(Site):
    """An installation as it is in earnest: gunicorn and clusters as processes that a fault can hit."""

    extra: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen] = field(default_factory=list)
    supervised: list["Supervised"] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        ours = {"BIND": f"127.0.0.1:{self.port}", "OMP_NUM_THREADS": "1", "INFERENCE_TUNING": "0"}
        return super().environment | ours | self.extra

    def web(self) -> subprocess.Popen:
        """gunicorn as in the Procfile, once it answers."""
        process = self._start("-m", "gunicorn", "backoffice.wsgi")
        wait_for(self.port)
        return process

    def cluster(self, name: str = "") -> "Supervised":
        """A cluster that is started again whenever it ends, as a supervisor does; it is at work."""
        environment = {"Q_CLUSTER_NAME": name} if name else {}
        running = self.log().count(RUNNING)
        made = Supervised(lambda: self._start("manage.py", "qcluster", **environment))
        self.supervised.append(made)
        assert until(lambda: self.log().count(RUNNING) > running), self.log()[-3000:]
        return made

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def _log(self) -> Path:
        return self.data_dir.parent / f"{self.data_dir.name}.log"

    def _start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self.environment | environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def kill(self, process: subprocess.Popen) -> None:
        """kill -9, of it and of all that it forked."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        for one in self.supervised:
            one.is_over.set()
        for process in self.started:
            self.kill(process)

    def rows(self, question: str) -> list[tuple]:
        """Looked up from outside, by a connection of its own."""
        if self.database_url.startswith("sqlite"):
            import sqlite3

            with closing(sqlite3.connect(self.database_url.removeprefix("sqlite:///"), timeout=20)) as file:
                return file.execute(question).fetchall()
        import psycopg

        with psycopg.connect(self.database_url) as connection:
            return connection.execute(question).fetchall()

    def count(self, question: str) -> int:
        return self.rows(question)[0][0]

    def is_whole(self) -> bool:
        """Whether no booking is half there, and `check_integrity` finds nothing; prints what it finds."""
        halves, nobodys = self.count(HALVES), self.count(NOBODYS)
        command = [sys.executable, "manage.py", "check_integrity"]
        checked = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)
        if checked.returncode:
            print(checked.stdout + checked.stderr[-2000:])
        return not (halves or nobodys or checked.returncode)

    def booked(self) -> set[str]:
        """The national IDs of who has a booking; their names hold them."""
        return {name.removeprefix("Patient ") for (name,) in self.rows(BOOKED)}


class Supervised:
    """A process that is started again a second after it ends."""

    def __init__(self, start: Callable[[], subprocess.Popen]) -> None:
        self._start, self.is_over = start, threading.Event()
        self.process, self.ended = start(), 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.process.wait()
            if self.is_over.wait(1):
                return
            self.ended += 1
            self.process = self._start()


@contextmanager
def clinic(database: str, folder: Path | None = None, **environment: str) -> Iterator[Clinic]:
    """A migrated clinic on `sqlite` or `postgres`, with a schedule, a survey and an administrator; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bad-day-") as made:
        data_dir = folder or Path(made, "data")
        data_dir.mkdir(exist_ok=True)
        if database == "sqlite":
            yield from _opened(Clinic(data_dir, f"sqlite:///{data_dir}/db.sqlite3", free_port(), environment))
        else:
            with postgres_database() as url:
                yield from _opened(Clinic(data_dir, url, free_port(), environment))


def _opened(made: Clinic) -> Iterator[Clinic]:
    made.manage("migrate", "--verbosity", "0")
    made.manage("collectstatic", "--no-input", "--verbosity", "0")
    made.shell(SEED + ROOM)
    try:
        yield made
    finally:
        made.close()


# -- Who uses it ------------------------------------------------------------------------------------------------------


class Somebody(Browser):
    """A browser that also sends files."""

    def __init__(self, port: int, address: str = "") -> None:
        super().__init__(port, address or f"198.18.{random.randrange(250)}.{random.randrange(250)}", Counter())

    def signed_in(self) -> "Somebody":
        self.get("/admin/login/")
        path, _page = self.post("/admin/login/", {"username": "admin", "password": PASSWORD, "next": "/admin/"})
        assert path == "/admin/", path
        return self

    def send(self, path: str, files: list[tuple[str, str, bytes]], **fields: str) -> tuple[str, str]:
        """POST files (field, name, bytes) beside fields; where that ended."""
        self.get(path)
        hidden = dict(self.HIDDEN.findall(self.page)) | {"csrfmiddlewaretoken": self.cookies["csrftoken"]}
        parts: list = [*(hidden | fields).items(), *((name, (file, body)) for name, file, body in files)]
        body, kind = encode_multipart_formdata(parts)
        return self._ask("POST", path, body, kind)


OFFERED = r'name="session" value="([^"]+)"'


def book(port: int, national_id: str, address: str = "") -> str:
    """How one visitor's booking ends: `booked`, `refused` by a page that says so, or what else came in its place."""
    visitor, path, page = Somebody(port, address), "", ""
    steps: list[Callable[[], tuple[str, str]]] = [
        lambda: visitor.get("/book/"),
        lambda: visitor.post("/book/", {"session": random.choice(re.findall(OFFERED, page)[:CHOICES])}),
        lambda: visitor.post("/book/details/", details(national_id)),
        lambda: visitor.post("/book/survey/", answers(page)),
    ]
    try:
        for step in steps:
            path, page = step()
            if visitor.status >= 500:
                return "refused" if any(words in page for words in SORRY) else f"{visitor.status} at {path}"
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        visitor.connection.close()
    return "booked" if path == "/book/done/" else f"{visitor.status} at {path}"


class AtOnce:
    """Threads that go on until it is over."""

    def __init__(self, works: Sequence[Callable[[], None]]) -> None:
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=work) for work in works]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.is_over.set()
        for thread in self.threads:
            thread.join()


class Visitors(AtOnce):
    """So many who book one after another, `pause` seconds apart, until it is over."""

    def __init__(self, site: Clinic, how_many: int = 3, pause: float = 0.1) -> None:
        self.site, self.ids, self.lock, self.pause = site, national_ids(), threading.Lock(), pause
        self.ends: list[tuple[float, float, str, str]] = []  # when it began and ended, how, and whose
        super().__init__([self._book_on] * how_many)

    def _book_on(self) -> None:
        while not self.is_over.is_set():
            national_id = self.next_id()
            began = time.monotonic()
            end = book(self.site.port, national_id)
            self.ends.append((began, time.monotonic(), end, national_id))
            self.is_over.wait(self.pause)

    def next_id(self) -> str:
        with self.lock:
            return next(self.ids)

    def of(self, end: str) -> set[str]:
        return {national_id for _began, _ended, how, national_id in self.ends if how == end}

    def n(self, end: str = "booked", after: float = 0) -> int:
        return sum(how == end and began >= after for began, _ended, how, _whose in self.ends)

    def counted(self) -> str:
        return ", ".join(f"{n} {how}" for how, n in Counter(how for _b, _e, how, _w in self.ends).most_common())

    def longest(self, end: str = "booked") -> float:
        return max((ended - began for began, ended, how, _whose in self.ends if how == end), default=0)
