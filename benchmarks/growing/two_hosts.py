"""Two hosts of workers at one PostgreSQL, Redis and store: what the second brings, and what a pulled cable costs.

    sudo python benchmarks/growing/two_hosts.py [--films 48]

Each host is a network namespace with a core and a data folder of its own; nothing is shared but the three services.
A table is uploaded here, and checked and written there. Films are answered by one host, then by both. Then one host is
cut off in the middle of a batch, without a word, and plugged in again: each film has one answer, and each model one
vote in it. Exits with 1 where anything is lost or doubled.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from hosts import ROOT, Host, store

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from installations import database

POSTGRES = os.environ.get("BENCH_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/7")
PATIENCE = 1200  # seconds, on a busy machine
LEASE = 20
BATCH = 8
MODELS = 6

FILL = """
import datetime
from pathlib import Path
from django.conf import settings
from django.core.files.base import ContentFile
from backoffice.models import User
from clinic.models import Patient
from imaging.demo import png
from imaging.phantom import DIAGNOSES, render
from imaging.storing import receive
from inference.registry.registration import register_folder

asker = User.objects.create_superuser("asker", password="of-this-run-alone")
register_folder(Path(settings.BASE_DIR) / "fixtures" / "weights")
for number, diagnosis in enumerate(DIAGNOSES):
    born = datetime.date(1980, 1, 1)
    patient = Patient.objects.create(full_name=f"Patient {number}", date_of_birth=born, sex="female")
    film = ContentFile(png(render(diagnosis, 910_000 + number, size=480)), name="film.png")
    xray = receive(film, patient, by=asker).xray
    for copy in range(FILMS // len(DIAGNOSES) - 1):
        xray.pk, xray.sha256 = None, f"{number:032x}{copy:032x}"
        xray.save()
"""
ASK = """
from backoffice.models import User
from imaging.models import XRayImage
from inference.requests import ask
print(len(ask(XRayImage.objects.order_by("pk"), by=User.objects.get()).predictions))
"""
UPLOAD = """
from backoffice.models import User
from backoffice.imports import uploads
from clinic.models import Patient
from clinic.tests.tables import csv_of, many
uploads.receive(csv_of(*many(3000)), Patient, by=User.objects.get())
"""
CONFIRM = """
from backoffice.imports import uploads
from backoffice.models import TableImport
row = TableImport.objects.get()
assert uploads.confirm(row, by=row.uploaded_by, skip_invalid=False)
"""


class Clinic:
    """The database, and what is done at the desk."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.rows = psycopg.connect(environment["DATABASE_URL"], autocommit=True)

    def manage(self, *arguments: str) -> None:
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def python(self, code: str) -> None:
        self.manage("shell", "--no-imports", "-c", code)

    def one(self, question: str, *values: object) -> float:
        found = self.rows.execute(question, values).fetchone()
        assert found
        return found[0]

    def ask(self) -> int:
        """Ask about every film; returns the key of the newest request before."""
        before = int(self.one("SELECT coalesce(max(id), 0) FROM inference_prediction"))
        self.python(ASK)
        return before

    def unfinished(self) -> float:
        return self.one("SELECT count(*) FROM inference_prediction WHERE status IN ('pending', 'processing')")

    def per_second(self, before: int) -> float:
        """Films that were answered in a second, from the first claim to the last answer."""
        return self.one(
            "SELECT count(*) / extract(epoch FROM max(finished_at) - min(started_at)) "
            "FROM inference_prediction WHERE id > %s",
            before,
        )


def wait(until: Callable[[], object], hosts: list[Host]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not until():
        if time.monotonic() > deadline:
            raise SystemExit("\n".join(["It takes too long.", *(host.log()[-3000:] for host in hosts)]))
        time.sleep(0.1)


def inference(host: Host) -> subprocess.Popen:
    return host.start("qcluster", Q_CLUSTER_NAME="inference")


def stop(*processes: subprocess.Popen) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait()


def a_table_without_a_shared_folder(clinic: Clinic, host: Host) -> None:
    worker = host.start("qcluster")
    clinic.python(UPLOAD)
    wait(lambda: clinic.one("SELECT count(*) FROM backoffice_tableimport WHERE status = 'checked'"), [host])
    clinic.python(CONFIRM)
    wait(lambda: clinic.one("SELECT count(*) FROM backoffice_tableimport WHERE status = 'done'"), [host])
    n = clinic.one("SELECT count(*) FROM clinic_patient WHERE id > 4")
    print(f"  a table of 3,000 rows, uploaded here: {n:.0f} written by another host")
    assert n == 3000
    stop(worker)


def throughput(clinic: Clinic, one: Host, other: Host) -> None:
    first = inference(one)
    warm(clinic, [one])
    before = clinic.ask()
    wait(lambda: not clinic.unfinished(), [one])
    alone = clinic.per_second(before)
    second = inference(other)
    wait(lambda: clinic.one("SELECT count(*) FROM inference_worker WHERE device <> ''") >= 2, [one, other])
    before = clinic.ask()
    wait(lambda: not clinic.unfinished(), [one, other])
    both = clinic.per_second(before)
    print(f"  one host {alone:.2f} films/s, both {both:.2f}: {both / alone:.2f} times as many")
    stop(first, second)


def warm(clinic: Clinic, hosts: list[Host]) -> None:
    clinic.ask()
    wait(lambda: not clinic.unfinished(), hosts)


def a_stop(clinic: Clinic, host: Host) -> None:
    """SIGTERM in the middle of a batch, to the cluster alone."""
    process = inference(host)
    before = clinic.ask()
    wait(lambda: clinic.one("SELECT count(*) FROM inference_prediction WHERE progress > 0 AND id > %s", before), [host])
    began = time.monotonic()
    stop(process)
    held = clinic.one("SELECT count(*) FROM inference_prediction WHERE status = 'processing'")
    answered = clinic.one("SELECT count(*) FROM inference_prediction WHERE id > %s AND status = 'completed'", before)
    later = time.monotonic() - began
    print(f"  told to stop in the middle of a batch: ended {later:.0f} s later, with {answered:.0f} films answered")
    assert not held
    assert answered


def a_pulled_cable(clinic: Clinic, one: Host, other: Host) -> None:
    cut_off = inference(other)
    before = clinic.ask()
    at_work = "SELECT count(*) FROM inference_prediction WHERE status = 'processing' AND progress > 0"
    wait(lambda: clinic.one(at_work), [other])
    other.pull()
    began = time.monotonic()
    held = clinic.one("SELECT count(*) FROM inference_prediction WHERE status = 'processing'")
    first = inference(one)
    wait(lambda: not clinic.unfinished(), [one, other])
    again = clinic.one("SELECT count(*) FROM inference_prediction WHERE id > %s AND attempts > 1", before)
    later = time.monotonic() - began
    print(f"  cut off with {held:.0f} films at work: all answered {later:.0f} s later, {again:.0f} of them anew")
    stop(first)
    other.plug_in()
    before_last = clinic.ask()
    wait(lambda: not clinic.unfinished(), [one, other])
    print("  plugged in again, without a restart it answers what is asked next")
    assert again == held
    assert clinic.one("SELECT count(*) FROM inference_prediction WHERE id > %s", before_last)
    stop(cut_off)


def nothing_is_lost_or_doubled(clinic: Clinic) -> None:
    asked = clinic.one("SELECT count(*) FROM inference_prediction")
    answered = clinic.one("SELECT count(*) FROM inference_prediction WHERE status = 'completed'")
    otherwise = clinic.one(
        f"""
        SELECT count(*) FROM inference_prediction p
        WHERE (SELECT count(*) FROM inference_modelresult r WHERE r.prediction_id = p.id) <> {MODELS}
           OR (SELECT count(*) FROM inference_historicalprediction h WHERE h.id = p.id AND h.status = 'completed') <> 1
        """  # noqa: S608
    )
    print(f"  {asked:.0f} asked, {answered:.0f} answered, {otherwise:.0f} twice, or with a vote too many or too few")
    assert (answered, otherwise) == (asked, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=48, help="for each step; a multiple of 4")
    films = parser.parse_args().films
    if os.geteuid():
        raise SystemExit("Network namespaces need root.")
    with ExitStack() as stack:
        environment = stack.enter_context(database(POSTGRES))
        films_at = stack.enter_context(store())
        environment |= {
            "REDIS_URL": REDIS,
            "STORAGE_URL": f"s3+http://key:secret@{films_at}/films?region=us-east-1",
            "PREDICTION_LEASE_SECONDS": str(LEASE),
            "MAX_BATCH_SIZE": str(BATCH),
            "MAX_PREDICTIONS_PER_DAY": "100000",
            "INFERENCE_TUNING": "0",
            "INFERENCE_DEVICE": "cpu",
        }
        clinic = Clinic(environment)
        stack.callback(clinic.rows.close)
        clinic.manage("migrate", "--verbosity", "0")
        clinic.python(FILL.replace("FILMS", str(films)))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hosts-")))
        ports = [urlsplit(url).port or 0 for url in (POSTGRES, REDIS, f"//{films_at}")]
        hosts = []
        for number in (1, 2):
            hosts.append(Host(number, folder, ports, environment))
            stack.callback(hosts[-1].close)
        print("Two hosts")
        a_table_without_a_shared_folder(clinic, hosts[1])
        throughput(clinic, *hosts)
        a_stop(clinic, hosts[0])
        a_pulled_cable(clinic, *hosts)
        nothing_is_lost_or_doubled(clinic)


if __name__ == "__main__":
    main()
