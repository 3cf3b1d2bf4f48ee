"""A clinic moves from SQLite to PostgreSQL, and works there."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from backoffice.moving import source, target
from backoffice.moving.move import Move
from backoffice.moving.refusals import MoveRefusedError
from backoffice.tests.installations import Installation, postgres_database, postgres_url

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

FILL = """
import datetime
from decimal import Decimal
from django.utils import timezone
from model_bakery import baker
from backoffice.models import AccessEvent, User
from clinic.models import Appointment, ClinicSession, NumericAnswer, NumericQuestion, Patient, Symptom
from clinic.tests.rush import book_one, offer_places
from imaging.models import XRayImage
from inference.models import Embedding, ModelResult, Prediction

administrator = User.objects.create_superuser("admin", password="right-of-course")
offer_places(200)
for number in range(60):
    book_one(number)
for patient in Patient.objects.all()[:5]:
    patient.full_name = "林小姐 " + "é" * 10
    patient.save()
appointment = Appointment.objects.first()
appointment.symptoms.add(baker.make(Symptom, name="咳嗽"))
question = baker.make(NumericQuestion, minimum=Decimal("-1.5"), maximum=Decimal("99999.25"))
baker.make(NumericAnswer, appointment=appointment, question=question, value=Decimal("36.60"))
xray = baker.make(XRayImage, patient=appointment.patient, said_further={"b": [1.0, None, "\\u75c5"], "a": 1e16})
for status in ("pending", "completed"):
    prediction = baker.make(Prediction, xray=xray, status=status, requested_by=administrator, provenance={"seed": 0.1})
baker.make(ModelResult, prediction=prediction, heatmap=bytes(range(256)), probabilities={"COVID": 0.1 + 0.2})
baker.make(Embedding, prediction=prediction, numbers=bytes(range(255, -1, -1)))
baker.make(AccessEvent, user=administrator)
gone = baker.make(Patient)
print(gone.pk)
gone.delete()
"""

USE = """
from django.test import Client
from backoffice.models import User
from clinic.models import Appointment, Patient
from clinic.tests.rush import book_one, tomorrow

number = book_one(1000)
session = Appointment.objects.get(queue_number=number).session
print(session.booked, Patient.objects.latest("pk").pk)
client = Client(HTTP_HOST="127.0.0.1")
answer = client.post("/admin/login/", {"username": "admin", "password": "right-of-course", "next": "/admin/"})
print(answer.status_code, client.get(f"/admin/clinic/appointment/").status_code)
"""


# Whoever writes the first film waits for lock 1.
STAND_STILL = """
CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_lock_shared(1); RETURN NEW; END $$;
CREATE TRIGGER stand_still BEFORE INSERT ON imaging_xrayimage FOR EACH ROW EXECUTE FUNCTION stand_still();
"""


@pytest.fixture(scope="module")
def clinic(tmp_path_factory, migrated_sqlite) -> tuple[Installation, int]:
    """One on SQLite with something in every corner, and the key of a patient who is gone from it."""
    folder = tmp_path_factory.mktemp("moving")
    with closing(sqlite3.connect(migrated_sqlite)) as migrated, closing(sqlite3.connect(folder / "db.sqlite3")) as own:
        migrated.backup(own)
    made = Installation(folder)
    return made, int(made.python(FILL).split()[-1])


@pytest.fixture
def database(postgres_server, migrated_postgres):
    """The address of an empty, migrated one."""
    with postgres_database(postgres_server, migrated_postgres) as name:
        yield postgres_url(name)


def everything(installation: Installation) -> list:
    """As Django reads it, which the move does not ask."""
    return json.loads(installation.manage("dumpdata", "--all"))


def test_a_move_that_is_killed_goes_on_and_the_clinic_works_there(clinic, database):
    here, gone = clinic
    there = Installation(here.data_dir, database)
    with_rows = here.query("SELECT count(*) FROM clinic_patient")[0][0]
    there.execute(STAND_STILL)
    with psycopg.connect(database) as at_it:
        at_it.execute("SELECT pg_advisory_lock(1)")
        process = here.start("move_database", database)
        here.wait_until(lambda: there.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
        here.kill(process)
    here.wait_until(lambda: not there.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"))
    there.execute("DROP FUNCTION stand_still CASCADE")
    assert there.query("SELECT count(*) FROM clinic_patient") == [(with_rows,)]
    assert there.query("SELECT count(*) FROM imaging_xrayimage") == [(0,)]
    assert "has not ended" in there.python("from backoffice.web.health import moved_whole; print(moved_whole())")

    said = here.manage("move_database", database)
    assert "it goes on" in said
    assert "compared: the same" in said
    assert "DATABASE_URL" in said
    assert everything(there) == everything(here)
    assert there.query("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated") == [(0,)]

    booked, sign_in = (line.split() for line in there.python(USE).splitlines()[-2:])
    assert booked[0] == "61"
    assert int(booked[1]) > gone
    assert sign_in == ["302", "200"]
    with pytest.raises(MoveRefusedError, match="holds something already"):
        looked_at(here, database)


def looked_at(here: Installation, database: str) -> None:
    with source.held(here.data_dir / "db.sqlite3") as file, target.opened(database) as there:
        move = Move(file, there, "some file")
        move.look_at_the_target(anew=False)
        move.look_at_the_rows(lambda rows: None)


def test_nothing_is_moved_while_somebody_has_the_file_open(clinic, database, monkeypatch):
    monkeypatch.setattr(source, "PATIENCE", 0)
    here, _gone = clinic
    with closing(sqlite3.connect(here.data_dir / "db.sqlite3")) as somebody:
        somebody.execute("SELECT count(*) FROM clinic_patient").fetchone()
        with pytest.raises(MoveRefusedError, match="Stop them all"):
            looked_at(here, database)
    with (
        source.held(here.data_dir / "db.sqlite3"),
        closing(sqlite3.connect(here.data_dir / "db.sqlite3", timeout=0)) as late,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        late.execute("SELECT count(*) FROM clinic_patient")


@pytest.fixture
def spoilt(clinic, tmp_path):
    """A copy of the clinic that one may do anything to."""
    here, _gone = clinic
    with closing(sqlite3.connect(here.data_dir / "db.sqlite3")) as whole:
        whole.execute("VACUUM INTO ?", [str(tmp_path / "db.sqlite3")])
    return Installation(tmp_path)


def test_what_does_not_fit_is_told_by_row_and_field_before_anything_is_written(spoilt, database):
    there = Installation(spoilt.data_dir, database)
    before = there.query("SELECT count(*) FROM auth_permission")
    spoilt.execute("UPDATE clinic_patient SET notes = 'secret' || char(0) WHERE id = 7")
    spoilt.execute("UPDATE clinic_patient SET phone = printf('%.*c', 500, '9') WHERE id = 8")
    spoilt.execute("UPDATE clinic_appointment SET patient_id = 12345 WHERE id = 3")
    with pytest.raises(MoveRefusedError) as refused:
        looked_at(spoilt, database)
    told = str(refused.value).splitlines()
    assert told[0] == "clinic_appointment → clinic_patient: a row names one that is not there"
    assert told[1].startswith("clinic_patient 7, notes: holds a NUL")
    assert told[2].startswith("clinic_patient 8, phone: has 500 characters")
    assert told[4].startswith("4 values do not fit. Nothing was moved")
    assert "secret" not in str(refused.value)
    assert there.query("SELECT count(*) FROM auth_permission") == before
    assert there.query("SELECT to_regclass('database_move.origin')") == [(None,)]


def test_a_place_that_holds_anything_else_is_refused(clinic, database):
    here, _gone = clinic
    there = Installation(here.data_dir, database)
    there.execute("CREATE TABLE somebody_elses (n integer)")
    with pytest.raises(MoveRefusedError, match="somebody_elses"):
        looked_at(here, database)
    there.execute("DROP TABLE somebody_elses; DELETE FROM django_migrations WHERE app = 'imaging'")
    with pytest.raises(MoveRefusedError, match=r"Run `manage\.py migrate`"):
        looked_at(here, database)


def interrupted(*_arguments: object) -> None:
    raise KeyboardInterrupt


def test_what_was_written_meanwhile_is_noticed_and_anew_mends_it(spoilt, database):
    def moved(*, anew: bool) -> None:
        with source.held(spoilt.data_dir / "db.sqlite3") as file, target.opened(database) as there:
            move = Move(file, there, "this file", at_once=50)
            move.look_at_the_target(anew=anew)
            move.look_at_the_rows(lambda rows: None)
            move.begin(anew=anew)
            move.copy(lambda rows: None)
            move.compare(lambda rows: None)
            move.end()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Move, "compare", interrupted)
        with pytest.raises(KeyboardInterrupt):
            moved(anew=False)
    spoilt.execute("UPDATE clinic_patient SET notes = 'written by somebody meanwhile' WHERE id = 7")
    with pytest.raises(MoveRefusedError, match=r"not the same there: clinic_patient\."):
        moved(anew=False)
    with pytest.raises(MoveRefusedError, match="from another file"):
        looked_at(spoilt, database)
    moved(anew=True)
    there = Installation(spoilt.data_dir, database)
    assert there.query("SELECT notes FROM clinic_patient WHERE id = 7") == [("written by somebody meanwhile",)]
    assert there.query("SELECT to_regclass('database_move.origin')") == [(None,)]


@pytest.fixture
def name_the_file(settings, monkeypatch) -> Callable[[Path], None]:
    """What the command takes for the installation's own. By that name the tests' database is none in memory, and would
    be closed, and lost to the tests that follow."""

    def named(path: Path) -> None:
        monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(path))
        monkeypatch.setattr(connections, "close_all", lambda: None)

    return named


def test_what_postgresql_refuses_is_told_in_a_sentence(spoilt, database, name_the_file):
    name_the_file(spoilt.data_dir / "db.sqlite3")
    Installation(spoilt.data_dir, database).execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$; "
        "CREATE TRIGGER refuse BEFORE INSERT ON clinic_patient FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    with pytest.raises(CommandError, match=r"PostgreSQL says: no room\. What was copied stays"):
        call_command("move_database", database)


def test_a_file_that_is_none_is_told(tmp_path, name_the_file):
    name_the_file(tmp_path / "nowhere.sqlite3")
    with pytest.raises(CommandError, match="no database at"):
        call_command("move_database", "postgres://nobody@127.0.0.1:1/none")
