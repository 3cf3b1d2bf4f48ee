"""Whatever befalls a worker, nothing is lost and nothing is answered twice: real processes, on both databases."""

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from backoffice.tests.installations import Installation, locked, postgres_database, postgres_url

pytestmark = pytest.mark.slow


SHORT = ["poison", "database_gone", "disk_full", "weights_changed", "device_gone", "fatal_shadow"]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def told(request, database, shared_folder, tmp_path_factory):
    """What each of the short scenarios left. They share one installation and one process; and all processes of this
    run share what it told: whoever comes second waits for it."""
    left = shared_folder / f"faults-{database}.json"
    with locked(shared_folder / f"faults-{database}.lock"):
        if not left.exists():
            folder = tmp_path_factory.mktemp("faults")
            left.write_text(told_by(database, folder, request.getfixturevalue, *SHORT))
    return json.loads(left.read_text())


def told_by(database: str, folder: Path, fixture: Callable[[str], Any], *scenarios: str) -> str:
    with ExitStack() as stack:
        if database == "postgres":
            server, template = fixture("postgres_server"), fixture("migrated_postgres")
            made = Installation(folder, postgres_url(stack.enter_context(postgres_database(server, template))))
        else:
            shutil.copy(fixture("migrated_sqlite"), folder)
            made = Installation(folder)
        made.networks = fixture("networks")
        made.environment |= {
            "PREDICTION_LEASE_SECONDS": "1",
            "MAX_BATCH_SIZE": "8",
            "MAX_PREDICTIONS_PER_DAY": "1000",
            "OMP_NUM_THREADS": "1",  # a fork does not survive torch's threads
        }
        return made.python(f"from inference.tests import faults; faults.run(*{scenarios})").splitlines()[-1]


def check_that_nothing_is_lost_or_doubled(left: dict, asked: int) -> None:
    """Each has one end; what was answered has each model's answer once, and what was not has none."""
    assert sum(left["statuses"].values()) == asked
    assert set(left["statuses"]) <= {"completed", "failed"}
    assert left["ends"] == asked
    assert left["results_of_completed"] == [2]
    assert left["results_of_others"] == 0


def test_workers_killed_twenty_times_at_random_lose_and_double_nothing(request, database, tmp_path):
    left = json.loads(told_by(database, tmp_path, request.getfixturevalue, "killed_at_random"))["killed_at_random"]
    check_that_nothing_is_lost_or_doubled(left, asked=200)
    assert left["kills"] == 20
    assert max(left["attempts"]) > 1, "no worker was killed in the middle of its work"
    # Chance may have it that one picture is looked at by three that are killed. It is given up, as is a poisoned one.
    assert set(left["attempts_of_failed"]) <= {3}
    assert left["statuses"]["completed"] >= 190


def test_a_picture_that_kills_whoever_looks_is_tried_alone_then_given_up_and_the_others_are_answered(told):
    left = told["poison"]
    check_that_nothing_is_lost_or_doubled(left, asked=11)
    assert left["statuses"] == {"completed": 10, "failed": 1}
    assert left["attempts_of_failed"] == [3]
    assert max(left["attempts"][:-1]) <= 2  # of its neighbours: once beside it, once alone
    assert "stopped 3 times" in left["errors"][0]


def test_a_database_that_is_gone_for_seconds_costs_no_answer_and_no_attempt(told):
    left = told["database_gone"]
    check_that_nothing_is_lost_or_doubled(left, asked=4)
    assert (left["exit"], left["statuses"], left["attempts"]) == (0, {"completed": 4}, [1] * 4)


def test_a_disk_that_is_full_while_answers_are_saved_costs_none_once_there_is_room(told):
    left = told["disk_full"]
    check_that_nothing_is_lost_or_doubled(left, asked=4)
    assert left["noticed"]
    assert (left["exit"], left["statuses"], left["attempts"]) == (0, {"completed": 4}, [1] * 4)


def test_weights_that_changed_are_never_asked_and_it_is_said(told):
    changed = told["weights_changed"]["while_changed"]
    assert changed["statuses"] == {"failed": 3}
    assert changed["results_of_others"] == 0
    assert "is not the file that was registered" in changed["errors"][0]
    assert told["weights_changed"]["statuses"] == {"completed": 3}


def test_a_device_that_fails_ends_its_worker_and_another_one_answers(told):
    left = told["device_gone"]
    assert left["exit"] == 1
    assert left["in_between"]["statuses"] == {"pending": 3}
    check_that_nothing_is_lost_or_doubled(left, asked=3)
    assert (left["statuses"], left["attempts"]) == ({"completed": 3}, [2] * 3)


def test_a_model_in_the_shadow_that_kills_whoever_asks_it_is_asked_three_times_and_the_others_go_on(told):
    left = told["fatal_shadow"]
    assert left["exits"] == [-9, -9, -9, 0]
    assert "stopped 3 times" in left["check_error"]
    assert not left["is_asked"]
    check_that_nothing_is_lost_or_doubled(left, asked=2)
    assert left["statuses"] == {"completed": 2}
