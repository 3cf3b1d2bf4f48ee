"""Real workers: a django-q2 cluster in a process of its own, killed and started again."""

import json

import pytest

pytestmark = pytest.mark.slow

ASK_ABOUT_FILMS = """
from pathlib import Path
from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone
from model_bakery import baker
from clinic.models import Patient
from imaging.storing import receive
from inference.requests import ask
from inference.tests.conftest import film
from inference.tests.tiny import register_tiny_models

register_tiny_models(settings.DATA_DIR / "made", checked_at={checked_at})
patient = baker.make(Patient)
asker = get_user_model().objects.create_user("clinician")
asked = ask([receive(film(seed, edge=300), patient).xray for seed in range({n})], by=asker)
print(len(asked.predictions))
"""

ANSWER_REAL_FILMS = """
import json
from pathlib import Path
from django.contrib.auth import get_user_model
from django.core.files import File
from model_bakery import baker
from clinic.models import Patient
from imaging.storing import receive
from inference.requests import ask
from inference.demo import WEIGHTS
from inference.registry.registration import register_folder

register_folder(WEIGHTS)
patient = baker.make(Patient)
asker = get_user_model().objects.create_user("clinician")
receipts = [receive(File(open(path, "rb")), patient) for path in map(Path, {paths})]
assert all(receipt.xray for receipt in receipts), receipts
ask([receipt.xray for receipt in receipts], by=asker)
"""

# Trying them takes a worker longer than to answer by them.
CHECKED = "timezone.now()"

# A worker that saves one answer of its batch, and gets no further.
STAND_STILL = """
import time

from django.core.management import call_command

from inference import worker

save = worker.save


def save_and_stand_still(*answer):
    save(*answer)
    time.sleep(600)


worker.save = save_and_stand_still
call_command("qcluster")
"""


def count(installation, where: str) -> int:
    return installation.query(f"SELECT count(*) FROM inference_prediction WHERE {where}")[0][0]  # noqa: S608


def workers(installation) -> list[tuple]:
    return installation.query("SELECT name, device FROM inference_worker")


def start_worker(installation, code: str = ""):
    command = ["shell", "--no-imports", "-c", code] if code else ["qcluster"]
    return installation.start(*command, Q_CLUSTER_NAME="inference")


def test_a_killed_worker_loses_nothing_and_answers_nothing_twice(at_work):
    n, batch = 8, 4
    at_work.environment["MAX_BATCH_SIZE"] = str(batch)
    assert at_work.python(ASK_ABOUT_FILMS.format(n=n, checked_at=CHECKED)).split()[-1] == str(n)

    assert not workers(at_work)
    first = start_worker(at_work, STAND_STILL)
    at_work.wait_until(lambda: count(at_work, "status = 'completed'"))
    [(_name, device)] = workers(at_work)
    assert device.startswith(("cpu", "cuda"))
    at_work.kill(first)
    held = count(at_work, "status = 'processing'")
    assert held == batch - 1, "the worker was to die in the middle of a batch"

    at_work.execute("UPDATE inference_prediction SET lease_until = created_at WHERE lease_until IS NOT NULL")
    second = start_worker(at_work)
    at_work.wait_until(lambda: count(at_work, "status = 'completed'") == n)

    assert count(at_work, "attempts > 1") == held
    second.terminate()
    at_work.wait_until(lambda: len(workers(at_work)) == 1)  # that of the killed one, gone silent
    results = at_work.query("SELECT prediction_id, count(*) FROM inference_modelresult GROUP BY prediction_id")
    assert sorted(results) == sorted((pk, 2) for (pk,) in at_work.query("SELECT id FROM inference_prediction"))


@pytest.mark.redis
@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
def test_a_worker_that_waits_at_redis_is_woken_by_the_request_then_loads_torch_and_tries_the_models(
    installation, redis_url, networks
):
    installation.environment["REDIS_URL"] = redis_url
    start_worker(installation)
    installation.wait_until(lambda: workers(installation))
    installation.networks = networks
    installation.python(ASK_ABOUT_FILMS.format(n=1, checked_at=None))
    installation.wait_until(lambda: count(installation, "status = 'completed'"))


@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
def test_real_chest_films_are_answered_by_the_shipped_models(installation, real_files):
    films = [
        "covid/7afaaccc.jpg",
        "normal/IM-0101-0001.jpeg",
        "lung-opacity/kermany_nbrender_person100_bacteria_480.png",
        "viral-pneumonia/person1_virus_6.jpeg",
    ]
    installation.python(ANSWER_REAL_FILMS.format(paths=json.dumps([str(real_files / "cxr" / film) for film in films])))
    start_worker(installation)
    installation.wait_until(lambda: count(installation, "status IN ('completed', 'failed')") == len(films))
    assert count(installation, "status = 'completed' AND confidence > 0 AND needs_review") == len(films)
    assert installation.query("SELECT count(*) FROM inference_modelresult WHERE heatmap IS NOT NULL")[0][0] == 8
