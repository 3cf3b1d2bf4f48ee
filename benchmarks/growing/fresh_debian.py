"""A fresh Debian 12, made here and booted, in which docs/growing.md is typed from its top to its bottom.

    sudo .venv/bin/python benchmarks/growing/fresh_debian.py [--lend FOLDER …] [--keep FOLDER]

Needs root, debootstrap, systemd-container, and ways to Debian's packages and to PyPI; pip is set up there as here.
The page's own lines are typed, of steps 1, 2, 4, 5 and 6: as root, in the account's shell, or into `environment`; this
file knows only what stands for each `…` in them. The machine's network is its own, so that its ports are the page's,
and only what installs sees another. Exits with 1 at the first line that fails, or where units, nginx, a stop, a kill, a
backup or a reboot are otherwise than the page says.
"""

import argparse
import ctypes
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import LiteralString

import psycopg
import requests
from behind_nginx import ROOT, TOKEN, Visitor, a_restart, failures, films, told

PAGE = (ROOT / "docs" / "growing.md").read_text()
STEPS = (1, 2, 4, 5, 6)
PATIENCE = 1200  # seconds, on a busy machine
WORD = secrets.token_hex(16)
MARKED = "/etc/ssl/clinic.example"  # in docs/nginx.conf
UNITS = ("collimator-web", "collimator-worker", "collimator-inference@1")
# What a reader puts in the place of what the page leaves open.
FILLED_IN = {
    "https://…/collimator.git": "/srv/collimator.git",
    "# runuser -u postgres -- createuser": f"# yes {WORD} | runuser -u postgres -- createuser",
    "_KEY=…": f"_KEY={secrets.token_urlsafe(64)}",
    "_KEYS=…": f"_KEYS={secrets.token_urlsafe(64)}",
    "collimator:…@": f"collimator:{WORD}@",
    ".venv/bin/python manage.py createsuperuser": f"DJANGO_SUPERUSER_PASSWORD={TOKEN} .venv/bin/python manage.py "
    "createsuperuser --noinput --username admin --email admin@clinic.example",
}
BESIDE = [
    f"METRICS_TOKEN={TOKEN}",
    "HSTS_DAYS=1",
    "SECURITY_LOG=/var/log/collimator/security.log",
    "INFERENCE_TUNING=0",
]

FILL = """
import datetime
from pathlib import Path
from django.conf import settings
from clinic.models import Patient
from inference.registry.registration import register_folder
register_folder(Path(settings.BASE_DIR) / "fixtures" / "weights")
Patient.objects.create(full_name="Chen", date_of_birth=datetime.date(1980, 1, 1), sex="female")
"""
FILM = """
from imaging.demo import png
from imaging.phantom import DIAGNOSES, render
open("/var/lib/collimator/film.png", "wb").write(png(render(DIAGNOSES[0], 912_000, size=1200)))
"""
ASK = """
from backoffice.models import User
from imaging.models import XRayImage
from inference.requests import ask
xray = XRayImage.objects.get(pk=1)
for copy in range(24):
    xray.pk, xray.sha256 = None, f"{copy:064x}"
    xray.save()
ask(XRayImage.objects.all(), by=User.objects.get())
"""
LONG_TASK = """
from django_q.tasks import async_task
async_task("os.system", "cd /var/lib/collimator && touch begun && sleep 20 && touch ended")
"""


def typed(step: int) -> Iterator[str]:
    """The lines of that step that a reader types: `# …` as root, `$ …` in the account's shell, `NAME=…` into a file."""
    found = re.search(rf"^## {step} .*?(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"no step {step}"
    for line in re.sub(r" \\\n +", " ", found[0]).splitlines():
        if re.match(r"    ([#$] |[A-Z_]+=)", line):
            for open_, filled in FILLED_IN.items():
                line = line.replace(open_, filled)
            yield line.strip()


class Machine:
    def __init__(self, folder: Path, lent: list[str]) -> None:
        self.folder, self.lent, self.shell = folder, lent, ""
        packages = "--include=systemd-sysv,dbus,iproute2,ca-certificates,openssl"  # as Debian's installer leaves it
        subprocess.run(["debootstrap", "--variant=minbase", packages, "bookworm", folder], check=True)  # noqa: S607
        for ours in ("/etc/pip.conf", "/etc/xdg/pip", "/root/.config/pip", "/etc/ssl/certs/ca-certificates.crt"):
            if Path(ours).exists():
                (folder / ours[1:]).parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(["cp", "-rT", ours, folder / ours[1:]], check=True)  # noqa: S607
        subprocess.run(["git", "clone", "-q", "--bare", ROOT, folder / "srv/collimator.git"], check=True)  # noqa: S607
        (folder / "etc/apt/apt.conf.d/yes").write_text('APT::Get::Assume-Yes "true";\n')
        self.boot()

    def boot(self) -> None:
        # Where systemd is not the first process here, the machine is given a hierarchy of cgroups that is only its own.
        own = """
            umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && mkdir -p /sys/fs/cgroup/clinic
            echo $$ >/sys/fs/cgroup/clinic/cgroup.procs && mount -t tmpfs none /run
        """
        nspawn = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network"]
        nspawn += ["--console=pipe", "--directory", str(self.folder), *(f"--bind-ro={path}" for path in self.lent)]
        self.process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-ec", f'[ -d /run/systemd/system ] || {{ {own} }}; exec "$@"', "sh", *nspawn],  # noqa: S607
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        wait("the machine boots", lambda: self.succeeds("systemctl is-active multi-user.target"))

    def enter(self, online: bool) -> list[str]:
        leader = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0]
        network = [] if online else [f"--net=/proc/{leader}/ns/net"]
        environment = [f"{name}={value}" for name, value in os.environ.items() if name.startswith("PIP_")]
        given = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"]
        namespaces = ["--target", leader, "--mount", "--uts", "--ipc", "--pid", *network]
        return ["nsenter", *namespaces, "env", "-i", *given, *environment, "sh", "-ec"]

    def root(self, line: str, *, online: bool = False) -> str:
        done = subprocess.run(
            [*self.enter(online), line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{done.stdout}\nThe machine: {line}: {done.returncode}")
        return done.stdout.strip()

    def succeeds(self, line: str) -> bool:
        with suppress(IndexError):  # it is not there yet
            return not subprocess.run([*self.enter(online=False), line], capture_output=True, check=False).returncode
        return False

    def site(self, line: str) -> str:
        return self.root(f"{self.shell} -ec {shlex.quote(line)}")

    def python(self, code: str) -> str:
        return self.site(f".venv/bin/python manage.py shell --no-imports -c {shlex.quote(code)}")

    def follow(self, line: str) -> None:
        print(f"  {line}", flush=True)
        if line.startswith("# systemd-run"):
            self.shell = line[2:].replace("--pty", "--quiet --pipe")
        elif line.startswith("# "):
            if " apt " in line:  # set up where it will run: PostgreSQL takes a port that is free
                self.root(line[2:].replace("apt install", "apt install --download-only"), online=True)
            self.root(line[2:], online="pip install" in line)
        elif line.startswith("$ "):
            self.site(line[2:])
        else:
            with (self.folder / "etc/collimator/environment").open("a") as settings:
                settings.write(f"{line}\n")

    def restart_web(self) -> float:
        """Seconds that it took."""
        began = time.monotonic()
        self.root("systemctl restart collimator-web")
        return time.monotonic() - began

    def join_its_network(self) -> None:
        """For this process, from here on."""
        leader = self.enter(online=False)[2]
        with Path(f"/proc/{leader}/ns/net").open() as network:
            if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), 0):
                raise OSError(ctypes.get_errno(), "setns")

    def close(self) -> None:
        with suppress(SystemExit, IndexError):
            self.root("systemctl poweroff --no-block")
        try:
            self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def wait(what: str, until: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not until():
        if time.monotonic() > deadline:
            raise SystemExit(f"It takes too long until {what}.")
        time.sleep(0.2)


def ready(site: str) -> bool:
    with suppress(requests.RequestException):
        return Visitor(site).get(f"{site}/readyz", timeout=60).status_code == 200
    return False


def of(machine: Machine, unit: str, what: str) -> str:
    return machine.root(f"systemctl show --value --property={what} {unit}")


def confined(machine: Machine) -> None:
    for unit in UNITS:
        pid = of(machine, unit, "MainPID")
        status = machine.root(f"cat /proc/{pid}/status")
        held = all(re.search(line, status) for line in (r"NoNewPrivs:\s1", r"CapBnd:\s0+\n", r"Seccomp:\s2"))
        inside = f"nsenter --target {pid} --mount --wd=/"
        for folder in ("/etc", "/opt/collimator/current", "/home", "/var"):
            held = held and not machine.succeeds(f"{inside} touch {folder}/x")
        for folder in ("/var/lib/collimator", "/var/log/collimator", "/tmp"):  # noqa: S108
            held = held and machine.succeeds(f"{inside} touch {folder}/x && {inside} rm {folder}/x")
        told(f"{unit} gains nothing, and writes into its own folders alone, as root would in its place", held)


def kill(machine: Machine, unit: str) -> None:
    before = of(machine, unit, "MainPID")
    machine.root(f"systemctl kill --signal=KILL --kill-who=main {unit}")
    wait(f"{unit} is back", lambda: of(machine, unit, "MainPID") not in (before, "0"))


def killed(machine: Machine) -> None:
    for unit in UNITS:
        for _time in range(6):
            kill(machine, unit)
        told(f"{unit}, killed six times, is started again", True)
    wait("all of them run", lambda: {of(machine, unit, "ActiveState") for unit in UNITS} == {"active"})


def one(rows: psycopg.Connection, question: LiteralString) -> int:
    found = rows.execute(question).fetchone()
    assert found
    return found[0]


def stopped(machine: Machine, rows: psycopg.Connection) -> None:
    machine.python(LONG_TASK)
    state = machine.folder / "var/lib/collimator"
    wait("the task begins", (state / "begun").exists)
    machine.root("systemctl stop collimator-worker")
    told("systemctl stop waits for the task that the worker is at", (state / "ended").exists())
    machine.python(ASK)
    wait("films are at work", lambda: one(rows, "SELECT count(*) FROM inference_prediction WHERE progress > 0"))
    machine.root("systemctl stop collimator-inference@1")
    held = one(rows, "SELECT count(*) FROM inference_prediction WHERE status = 'processing'")
    told("…and for the batch that the models are at", not held)
    results = {of(machine, unit, "Result") for unit in UNITS}
    told(f"nobody had to be killed for it: {results}", results == {"success"})
    machine.root(f"systemctl start {' '.join(UNITS)}")
    left = "SELECT count(*) FROM inference_prediction WHERE status <> 'completed'"
    wait("all films are answered", lambda: not one(rows, left))
    told("started again, they answer what was left", True)


def backed_up(machine: Machine, rows: psycopg.Connection) -> None:
    run = "from django_q.tasks import async_task; async_task('backoffice.backups.recorded.{}')"
    machine.python(run.format("back_up_nightly"))
    wait("a backup is made", lambda: one(rows, "SELECT count(*) FROM backoffice_backup"))
    machine.python(run.format("drill_weekly"))
    wait("it is restored", lambda: one(rows, "SELECT count(drilled_at) FROM backoffice_backup"))
    whole = one(rows, "SELECT count(*) FROM backoffice_backup WHERE is_drilled_whole AND error = ''")
    told("the worker makes a backup, and restores it beside the database", whole == 1)


def looked_at(machine: Machine) -> None:
    machine.python(FILL)
    machine.python(FILM)
    machine.join_its_network()
    site = "https://127.0.0.1"
    Visitor.certificate = str(machine.folder / MARKED[1:] / "fullchain.pem")
    wait("/readyz says that everything runs", lambda: ready(site))
    films(site, (machine.folder / "var/lib/collimator/film.png").read_bytes())
    a_restart(site, machine.restart_web)
    confined(machine)
    with psycopg.connect(f"postgres://collimator:{WORD}@127.0.0.1:5432/collimator", autocommit=True) as rows:
        stopped(machine, rows)
        backed_up(machine, rows)
    killed(machine)
    told("who signed in stands in SECURITY_LOG", bool(machine.root("cat /var/log/collimator/security.log")))
    machine.close()
    machine.boot()
    machine.join_its_network()
    wait("/readyz says so after a reboot", lambda: ready(site))
    told("after a reboot everything runs by itself", True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lend", nargs="*", default=[], help="folders that pip's settings name")
    parser.add_argument("--keep", type=Path, help="make it there, and leave it")
    arguments = parser.parse_args()
    if os.geteuid():
        raise SystemExit("To boot a machine needs root.")
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="fresh-debian-"))
    machine = Machine(folder / "root", arguments.lend)
    try:
        for step in STEPS:
            print(f"{step}", flush=True)
            if step == 6:  # which takes a certificate for given
                machine.root(
                    f"mkdir {MARKED} && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=clinic.example "
                    f"-addext subjectAltName=IP:127.0.0.1 -keyout {MARKED}/key.pem -out {MARKED}/fullchain.pem 2>&1"
                )
            for line in typed(step):
                machine.follow(line)
            if step == 1:
                for line in BESIDE:
                    machine.follow(line)
        print("What has become of it")
        looked_at(machine)
    finally:
        machine.close()
        if not arguments.keep:
            shutil.rmtree(folder)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
