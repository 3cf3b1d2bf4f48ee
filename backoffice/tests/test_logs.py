"""Lines of the log tell where something happened and of what kind, and nothing of a patient."""

import json
import logging
import subprocess
import sys

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from backoffice.web.logs import JsonFormatter, scrubbed, told
from conftest import ROOT, Installation, postgres_url

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
    environment = Installation(tmp_path).environment
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["logger"] for line in lines if "UserWarning" in line["message"]] == ["py.warnings"]
    assert "lin@" not in done.stderr


def test_a_line_of_a_finished_request_carries_its_id(client, db):
    lines = []
    handler = logging.Handler()
    handler.setFormatter(JsonFormatter())
    handler.emit = lambda record: lines.append(json.loads(handler.format(record)))
    logging.getLogger("django.request").addHandler(handler)
    try:
        answer = client.get("/nowhere/")
    finally:
        logging.getLogger("django.request").removeHandler(handler)
    assert [line["request_id"] for line in lines] == [answer["X-Request-ID"]]
