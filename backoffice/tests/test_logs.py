"""Lines of the log tell where something happened and of what kind, and nothing of a patient."""

import json
import logging
import subprocess
import sys

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django_q.models import OrmQ
from django_q.signals import post_execute_in_worker, pre_execute
from django_q.signing import SignedPackage

from backoffice.jobs import mail
from backoffice.tests.installations import ROOT, Installation, postgres_url
from backoffice.tests.lines import written_to
from backoffice.traced import of_request, request_id
from backoffice.web.logs import JsonFormatter, TextFormatter, scrubbed, told

PERSON = ("A123456789", "Lin Mei-ling", "0912 345 678", "lin@example.org")


@pytest.mark.parametrize(
    "text",
    [
        "Not Found: /bookings/h3Kd_9sLq2-XbT0vNf8aYw1cEoRuZi47/cancel/",
        "Forbidden (CSRF token missing.): /bookings/short/move/",
        "kept {'reference': 'h3Kd_9sLq2-XbT0vNf8aYw1cEoRuZi47'}",
        "lin@example.org was refused",
        "redis://user:secret@10.0.0.5:6379/0 does not answer",
        "no patient has A123456789, ac01234567 or X12345678",
        "call 0912 345 678 or +886-2-1234-5678",
        "Not Found: /x/A123 456 789/",
        "A123-456-789 has no film",
        "uploads/A123456789_chest.dcm, film_X12345678.png",
        "They rang from 0912 345 678. Nobody answered 0912-345-678.vcf",
        "Not Found: /nobody/lin%40example.org/",
        "duplicate key\nDETAIL:  Key (full_name, date_of_birth)=(Lin Mei-ling, 1984-05-02) already exists.",
        "Failing row contains (7, Lin Mei-ling, 1984-05-02).",
    ],
)
def test_a_line_keeps_nothing_that_is_a_key_or_tells_of_a_person(text):
    said = scrubbed(text)
    others = ("A123 456", "A123-456", "0912-345", "example.org", "secret@", "1984-05-02")
    for secret in (*PERSON, "h3Kd", "short", "ac01234567", "X12345678", "+886", *others):
        assert secret not in said


@pytest.mark.parametrize(
    "text",
    [
        "Session 2026-11-23 morning keeps 4 bookings in 3 places",
        "Not Found: /admin/clinic/patient/12345/change/",
        "The inference worker has been silent for 1234567 s.",
        "Processed 'backoffice.jobs.mail.send_due' (one-two-three-four)",
        "/usr/lib/python3.11/site-packages/django/contrib/admin/options.py",
    ],
)
def test_a_line_keeps_what_an_operator_needs(text):
    assert scrubbed(text) == text


def raised(error: Exception, because: Exception | None = None) -> Exception:
    try:
        raise error from because
    except Exception as caught:
        return caught


def test_an_error_is_told_by_its_place_and_kind_and_not_by_its_words():
    error = raised(RuntimeError("for Lin Mei-ling"), raised(ValueError("A123456789 is no number")))
    said = told(error)
    assert "ValueError" in said
    assert "RuntimeError" in said
    assert "in raised" in said
    for secret in PERSON:
        assert secret not in said


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OperationalError("no such table: clinic_patient"), "no such table: clinic_patient"),
        (ImproperlyConfigured("set DJANGO_SECRET_KEY"), "set DJANGO_SECRET_KEY"),
        (FileNotFoundError(2, "No such file", "Lin Mei-ling.png"), "No such file"),
    ],
)
def test_words_that_quote_nobody_are_kept(error, words):
    assert words in told(raised(error))
    assert "Lin" not in told(error)


@pytest.mark.postgres
def test_what_the_database_quotes_is_left_out(postgres_server):
    name = postgres_server.info.dbname
    with psycopg.connect(postgres_url(name)) as connection:
        connection.execute("CREATE TEMPORARY TABLE people (national_id text PRIMARY KEY, born date)")
        add = "INSERT INTO people VALUES (%s, %s)"
        connection.execute(add, ("A123456789", None))
        for values, words in ((("A123456789", None), "people_pkey"), (("B", "Lin Mei-ling"), "InvalidDatetimeFormat")):
            with pytest.raises(psycopg.Error) as caught, connection.transaction():
                connection.execute(add, values)
            assert words in told(caught.value)
            for secret in PERSON:
                assert secret in str(caught.value) or secret not in values
                assert secret not in told(caught.value)


def test_a_task_that_failed_is_told_without_its_words():
    try:
        raise ValueError("A123456789 of Lin Mei-ling")
    except ValueError as error:
        told_by_the_library = f"Failed 'a.task' (one-two) - {error} : Traceback (most recent call last):\n"
        told_by_the_library += (
            '  File "tasks.py", line 3, in task\n    work()\nValueError: A123456789 of Lin Mei-ling\n'
        )
    said = scrubbed(told_by_the_library)
    assert said == "Failed 'a.task' (one-two)\n  File \"tasks.py\", line 3, in task\n    work()\nValueError"


def test_a_warning_is_a_line_like_any_other(tmp_path):
    code = "import django; django.setup(); import warnings; warnings.warn('for lin@example.org')"
    environment = Installation(tmp_path, LOG_FORMAT="json").environment
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["logger"] for line in lines if "UserWarning" in line["message"]] == ["py.warnings"]
    assert "lin@" not in done.stderr


def test_a_line_of_a_finished_request_carries_its_id(client, db):
    with written_to("django.request") as lines:
        answer = client.get("/nowhere/")
    assert [line["request_id"] for line in lines] == [answer["X-Request-ID"]]


FORGED = '/nowhere/\n{"level": "INFO", "message": "signed in"}\r\x1b[2J\x85\u2028\u202e\ud800'


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_what_somebody_sends_begins_no_line_and_steers_no_terminal(formatter):
    record = logging.LogRecord("any", logging.INFO, "", 0, "Not Found: %s", (FORGED,), None)
    record.about = {"path": FORGED}
    line = formatter.format(record)
    assert len(line.splitlines()) == 1
    assert line.encode().decode() == line
    assert not set(line) & set("\r\n\x1b\x85\u2028\u202e")
    assert "Not Found: /nowhere/" in line


def test_as_text_an_error_stands_below_its_line():
    error = raised(RuntimeError("for Lin Mei-ling"))
    record = logging.LogRecord("any", logging.ERROR, "", 0, "it broke", (), (type(error), error, error.__traceback__))
    record.created = 0
    first, *below = TextFormatter().format(record).splitlines()
    assert first == "00:00:00 ERROR   any: it broke [-]"
    assert below[-1] == "    RuntimeError"


def test_the_security_log_is_a_file_of_its_own_where_one_is_named(tmp_path):
    code = (
        "import django, logging; django.setup()\n"
        "from backoffice.access import security_log; security_log.refused('page refused', person=3)\n"
        "logging.getLogger('django.security.csrf').warning('no token'); logging.getLogger('clinic').info('booked')"
    )
    file = tmp_path / "security.log"
    environment = Installation(tmp_path, LOG_FORMAT="json", SECURITY_LOG=str(file)).environment
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True)
    messages = [json.loads(line)["message"] for line in file.read_text().splitlines()]
    assert messages == ["page refused", "no token"]
    assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == [*messages, "booked"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_who_comes_in_and_who_is_refused_stands_in_the_security_log(client, front_desk, administrator):
    front_desk.set_password("right-right-right")
    front_desk.save()
    with written_to("collimator.security") as lines:
        for password in ("secret-secret", "right-right-right"):
            client.post("/admin/login/", {"username": "frontdesk", "password": password})
        client.post("/admin/login/", {"username": "hunter2-in-the-wrong-field", "password": "x"})
        client.get("/admin/clinic/openinghours/add/")
        client.post("/admin/logout/")
    said = [(line["message"], line["person"], line["address"], line["level"]) for line in lines]
    here = "127.0.0.1"
    assert said == [
        ("sign-in refused", front_desk.pk, here, "WARNING"),
        ("signed in", front_desk.pk, here, "INFO"),
        ("sign-in refused", "nobody", here, "WARNING"),
        ("page refused", front_desk.pk, here, "WARNING"),
        ("signed out", front_desk.pk, here, "INFO"),
    ]
    assert "hunter2" not in json.dumps(lines)
    assert "secret-secret" not in json.dumps(lines)


def test_what_becomes_of_people_stands_in_the_security_log_by_numbers(administrator, front_desk):
    with written_to("collimator.security") as lines:
        front_desk.note_in_history("second factor taken away", by=administrator)
        front_desk.note_in_history("because Lin Mei-ling asked", by=administrator)
    facts = {"message": "person changed", "whom": front_desk.pk, "person": administrator.pk}
    assert [{name: line[name] for name in line if name in (*facts, "why")} for line in lines] == [
        {**facts, "why": "second factor taken away"},
        facts,
    ]


@pytest.mark.django_db
def test_a_task_and_what_it_writes_belong_to_the_request_that_asked(django_capture_on_commit_callbacks):
    with of_request("a" * 32), django_capture_on_commit_callbacks(execute=True):
        sent = mail.post("lin@example.org", "Hello", "Text")
    [queued] = OrmQ.objects.all()
    task = SignedPackage.loads(queued.payload)
    assert (task["request_id"], task["args"], task["kwargs"]) == ("a" * 32, (), {})
    with written_to("backoffice.jobs.mail") as lines:
        pre_execute.send(sender="django_q", task=task)
        mail.send_due()
        post_execute_in_worker.send(sender="django_q", task=task)
    assert [(line["message"], line["request_id"]) for line in lines] == [(f"mail {sent.pk} was sent", "a" * 32)]
    assert request_id.get() == "-"


@pytest.mark.django_db
def test_a_row_belongs_to_the_request_that_wrote_it_whoever_takes_it_up():
    with of_request("b" * 32):
        sent = mail.post("lin@example.org", "Hello", "Text")
    with written_to("backoffice.jobs.mail") as lines, of_request("c" * 32):
        mail.send_due()
    assert [(line["message"], line["request_id"]) for line in lines] == [(f"mail {sent.pk} was sent", "b" * 32)]
