"""The units and the images run what the Procfile runs, and give it the time that it takes to end well."""

import re
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from inference.worker import SECONDS_PER_NUDGE

DEPLOY = settings.BASE_DIR / "deploy"
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
