"""The units and the images run what the Procfile runs, and give it the time that it takes to end well."""

import re
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from inference.worker import SECONDS_PER_NUDGE

DEPLOY = settings.BASE_DIR / "deploy"
PAGE = (settings.BASE_DIR / "docs" / "growing.md").read_text()
PROCFILE = dict(line.split(": ", 1) for line in (settings.BASE_DIR / "Procfile").read_text().splitlines())
UNITS = {"web": "web", "worker": "worker", "inference": "inference@"}
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]


def unit(process: str) -> str:
    return Path(DEPLOY, "systemd", f"collimator-{UNITS[process]}.service").read_text()


def number(text: str, name: str) -> int:
    found = re.search(rf"^{name} ?= ?(\d+)$", text, re.MULTILINE)
    assert found
    return int(found[1])


def test_each_process_of_the_procfile_has_its_unit_and_its_container():
    assert set(PROCFILE) == set(UNITS)
    for process, command in PROCFILE.items():
        environment, _blank, plain = command.rpartition("inference ")
        started = re.search(r"^ExecStart=/opt/collimator/current/\.venv/bin/(.*)$", unit(process), re.MULTILINE)
        assert started
        assert started[1] == plain
        assert bool(environment) == ("Environment=Q_CLUSTER_NAME=inference" in unit(process))
        image = (DEPLOY / "Containerfile").read_text()
        default = re.search(r'^CMD \["(.*)"\]$', image, re.MULTILINE)
        assert default
        assert " ".join(COMPOSE[process].get("command", default[1].split('", "'))) == plain
        assert bool(environment) == (COMPOSE[process]["environment"].get("Q_CLUSTER_NAME") == "inference")


@pytest.mark.parametrize("process", UNITS)
def test_what_is_told_to_stop_may_end_what_it_is_at(process):
    clusters = settings.Q_CLUSTER["ALT_CLUSTERS"]
    longest = {
        "web": number((settings.BASE_DIR / "gunicorn.conf.py").read_text(), "graceful_timeout"),
        "worker": settings.Q_CLUSTER["timeout"],
        "inference": (1 + clusters["inference"]["queue_limit"]) * SECONDS_PER_NUDGE,
    }
    given = number(unit(process), "TimeoutStopSec")
    assert given > longest[process]
    assert COMPOSE[process]["stop_grace_period"] == f"{given}s"
    assert "KillMode=mixed" in unit(process)


@pytest.mark.parametrize("process", UNITS)
def test_a_unit_may_write_the_log_that_the_settings_give_as_an_example(process):
    folder = re.search(
        r"^# SECURITY_LOG=.*such as /var/log/(\w+)/", (settings.BASE_DIR / ".env.example").read_text(), re.M
    )
    assert folder
    assert f"\nLogsDirectory={folder[1]}\nLogsDirectoryMode=0700\n" in unit(process)
    assert f"-p LogsDirectory={folder[1]} " in PAGE, "what commands are typed in"


@pytest.mark.parametrize("process", UNITS)
def test_a_unit_that_fails_again_and_again_is_started_again_and_again(process):
    about, service = unit(process).split("[Service]")
    assert "\nStartLimitIntervalSec=0\n" in about
    assert "\nRestart=always\n" in service


def test_the_image_backs_up_the_database_that_stands_beside_it():
    server = number(COMPOSE["db"]["image"].replace("docker.io/library/postgres:", "server="), "server")
    image = (DEPLOY / "Containerfile").read_text().split("\nFROM ")[-1]
    client = re.search(r"postgresql-client-(\d+)", image)
    assert client
    assert int(client[1]) >= server


def test_a_new_server_makes_its_tables_once_it_is_settled_where_they_lie():
    """Its superuser would be left behind in SQLite otherwise."""
    new = re.sub(r"^## 3 .*?(?=^## )", "", PAGE, flags=re.M | re.S)
    lines = [line.strip() for line in new.splitlines() if re.match(r"    ([#$] |[A-Z_]+=)", line)]
    first = {word: next(n for n, line in enumerate(lines) if word in line) for word in ("DATABASE_URL=", " migrate")}
    assert first["DATABASE_URL="] < first[" migrate"]


def test_the_account_of_a_new_database_may_restore_a_backup_beside_it():
    assert "createuser --createdb " in PAGE
