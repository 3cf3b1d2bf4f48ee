"""What befalls a worker and what it works with: each fault met by real processes, on the database of an installation.

Run inside an installation of its own, as clinic/tests/rush.py, in a process that has loaded torch. A scenario starts
workers as forks, which touch torch first after that; what it left is printed.
"""

import json
import logging
import os
import random
import resource
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, contextmanager

import cv2
import psycopg
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.db import connection, connections
from model_bakery import baker

from clinic.models import Patient
from clinic.tests.rush import multiprocessing
from imaging.models import XRayImage
from imaging.storing import receive
from inference import requests, tasks, voting, worker
from inference.models import DiagnosticModel, ModelResult, Prediction
from inference.nn import backbones
from inference.registry import checking, shadow
from inference.tests.conftest import film
from inference.tests.tiny import register_tiny_models

fork = multiprocessing.get_context("fork")
GONE_SECONDS = 2  # longer than it takes PostgreSQL to refuse several times what is tried
POISON_EDGE = 97  # px: by which the picture is known that kills whoever looks at it


def run(*names: str) -> None:
    """Print what each scenario left, by its name."""
    cv2.setNumThreads(1)  # a fork does not survive OpenCV's threads either: it would wait for their end
    backbones.import_timm()
    in_another(lambda: register_tiny_models(settings.DATA_DIR / "made"))
    in_another(checking.check_new_models)
    print(json.dumps({name: SCENARIOS[name]() for name in names}))


def in_another(job: Callable[[], object]) -> None:
    process = begin(job)
    process.join()
    assert process.exitcode == 0


def begin(job: Callable[[], object] = tasks.answer_waiting, fault: Callable[[], None] = lambda: None):
    """A process that brings `fault` about in itself, then does the job."""

    def run() -> None:
        fault()
        job()

    connections.close_all()
    process = fork.Process(target=run)
    process.start()
    return process


# -- What is asked, and what became of it -----------------------------------------------------------------------------


def ask(n: int, edge: int = 96) -> list[int]:
    """Ask about so many films, which are one file; returns the predictions' keys."""
    kept = receive(film(edge, edge), baker.make(Patient)).xray
    files = {name: getattr(kept, name).name for name in ("original", "pixels", "thumbnail")}
    others = [XRayImage(patient=kept.patient, sha256=f"{number:064}", **files) for number in range(n - 1)]
    for other in others:
        for name in ("source_format", "width", "height", "bit_depth"):
            setattr(other, name, getattr(kept, name))
    person = get_user_model().objects.create_user(f"person-{get_user_model().objects.count()}")
    asked = requests.ask([kept, *XRayImage.objects.bulk_create(others)], by=person)
    return [prediction.pk for prediction in asked.predictions]


def answer(keys: list[int], fault: Callable[[], None] = lambda: None) -> None:
    """Start workers, one after the other, until all are finished."""
    until = time.monotonic() + 120
    while Prediction.objects.filter(pk__in=keys).unfinished().exists():
        assert time.monotonic() < until, left(keys)
        begin(fault=fault).join()
        time.sleep(0.05)


def left(keys: list[int]) -> dict:
    """How the predictions ended: how many of each status, the attempts and errors, and whether any answer is not whole
    or there twice."""
    rows = Prediction.objects.filter(pk__in=keys)
    results = [ModelResult.objects.filter(prediction=row).count() for row in rows.filter(status="completed")]
    ends = Prediction.history.filter(id__in=keys, status__in=["completed", "failed"]).count()
    return {
        "statuses": {
            status: rows.filter(status=status).count() for status in set(rows.values_list("status", flat=True))
        },
        "attempts": sorted(rows.values_list("attempts", flat=True)),
        "attempts_of_failed": sorted(rows.filter(status="failed").values_list("attempts", flat=True)),
        "errors": sorted(set(rows.exclude(error="").values_list("error", flat=True))),
        "results_of_completed": sorted(set(results)),
        "results_of_others": ModelResult.objects.filter(prediction__in=rows.exclude(status="completed")).count(),
        "ends": ends,
    }


# -- Scenarios --------------------------------------------------------------------------------------------------------


def killed_at_random(pictures: int = 200, kills: int = 20) -> dict:
    keys = ask(pictures)
    rows = Prediction.objects.filter(pk__in=keys)
    chance = random.Random()
    killed = 0
    while killed < kills and rows.unfinished().exists():
        process = begin()
        enough = rows.filter(status="completed").count() + chance.randrange(pictures // kills)
        while process.is_alive() and rows.filter(status="completed").count() < enough:
            time.sleep(0.01)  # each look is a query
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    answer(keys)
    return {"kills": killed} | left(keys)


def poison() -> dict:
    keys = [*ask(5), *ask(1, edge=POISON_EDGE), *ask(5)]

    def dies_of_it() -> None:
        ask_the_models = voting.Ensemble.predict

        def predict(ensemble, pictures, *args, **kwargs):
            if any(len(picture) == POISON_EDGE for picture in pictures):
                os.kill(os.getpid(), signal.SIGKILL)
            return ask_the_models(ensemble, pictures, *args, **kwargs)

        voting.Ensemble.predict = predict

    answer(keys, dies_of_it)
    return left(keys)


class Held:
    """A worker that has computed its answers and saves them when it is told to; what it warns of is counted."""

    def __init__(self) -> None:
        self.computed, self.go_on, self.warnings = fork.Event(), fork.Event(), fork.Value("i", 0)

    def hold(self) -> None:
        settings.PREDICTION_LEASE_SECONDS = 60
        ask_the_models = voting.Ensemble.predict

        def predict(*args, **kwargs):
            answers = ask_the_models(*args, **kwargs)
            self.computed.set()
            self.go_on.wait()
            return answers

        voting.Ensemble.predict = predict
        handler = logging.Handler(logging.WARNING)
        handler.emit = lambda record: setattr(self.warnings, "value", self.warnings.value + 1)
        worker.logger.addHandler(handler)

    def wait_for_a_warning(self, process) -> None:
        until = time.monotonic() + 60
        while not self.warnings.value and process.is_alive() and time.monotonic() < until:
            time.sleep(0.02)


def database_gone() -> dict:
    keys, held = ask(4), Held()
    process = begin(fault=held.hold)
    held.computed.wait(60)
    with gone():
        held.go_on.set()
        time.sleep(GONE_SECONDS)
    process.join()
    return {"exit": process.exitcode} | left(keys)


@contextmanager
def gone():
    """Nobody gets anything from the database: PostgreSQL refuses them, or somebody else has the whole of SQLite."""
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(settings.DATABASES["default"]["NAME"], isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")
        return
    name = connection.settings_dict["NAME"]
    connections.close_all()
    with psycopg.connect(
        host=connection.settings_dict["HOST"],
        port=connection.settings_dict["PORT"] or 5432,
        user=connection.settings_dict["USER"],
        dbname="postgres",
        autocommit=True,
    ) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def disk_full() -> dict:
    keys, held = ask(4), Held()
    process = begin(fault=held.hold)
    held.computed.wait(60)
    with no_room(process.pid):
        held.go_on.set()
        held.wait_for_a_warning(process)
    process.join()
    return {"exit": process.exitcode, "noticed": held.warnings.value > 0} | left(keys)


@contextmanager
def no_room(pid: int):
    """Nothing that this process writes is taken: its files may not grow, or PostgreSQL says that its own may not."""
    if connection.vendor == "sqlite":
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
        yield
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$"
        )
        cursor.execute("CREATE TRIGGER full_disk BEFORE INSERT ON inference_modelresult EXECUTE FUNCTION full_disk()")
        yield
        cursor.execute("DROP TRIGGER full_disk ON inference_modelresult")


def weights_changed() -> dict:
    keys = ask(3)
    weights = DiagnosticModel.objects.first().weights
    with weights.open("rb") as file:
        content = file.read()
    weights.storage.delete(weights.name)
    weights.storage.save(weights.name, ContentFile(content[:-1] + bytes([content[-1] ^ 1])))
    answer(keys)
    told = left(keys)
    weights.storage.delete(weights.name)
    weights.storage.save(weights.name, ContentFile(content))
    requests.retry(Prediction.objects.filter(pk__in=keys), by=get_user_model().objects.last())
    answer(keys)
    return {"while_changed": told} | left(keys)


def device_gone() -> dict:
    keys = ask(3)

    def breaks() -> None:
        def predict(*args, **kwargs):
            raise RuntimeError("CUDA error: unspecified launch failure")

        voting.Ensemble.predict = predict
        worker.BACK_OFF /= 100

    process = begin(fault=breaks)
    process.join()
    in_between = left(keys)
    answer(keys)
    return {"exit": process.exitcode, "in_between": in_between} | left(keys)


def fatal_shadow() -> dict:
    model = DiagnosticModel.objects.first()
    model.pk, model.version, model.stage, model.is_active = None, "next", DiagnosticModel.Stage.SHADOW, False
    model.save()
    keys = ask(2)

    def dies_of_it() -> None:
        shadow.make_ensemble = lambda models: os.kill(os.getpid(), signal.SIGKILL)

    exits = []
    for _worker in range(4):
        process = begin(fault=dies_of_it)
        process.join()
        exits.append(process.exitcode)
    model.refresh_from_db()
    is_asked = DiagnosticModel.objects.in_the_shadow().exists()
    return {"exits": exits, "check_error": model.check_error, "is_asked": is_asked} | left(keys)


SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (killed_at_random, poison, database_gone, disk_full, weights_changed, device_gone, fatal_shadow)
}
