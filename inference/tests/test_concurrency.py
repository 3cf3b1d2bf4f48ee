"""What must not happen twice to an answer, with real processes, on SQLite and on PostgreSQL."""

import json

import pytest

pytestmark = pytest.mark.slow


def test_of_clinicians_who_sign_at_once_one_signs_and_the_others_are_asked(installation):
    told = json.loads(installation.python("from inference.tests import rush; rush.sign(clinicians=4)"))
    assert sorted(told["answers"]) == sorted(["AlreadySignedError"] * 3 + [told["stands"]])
    assert told["signatures"] == 1


def test_of_readers_who_take_one_case_at_once_one_has_it_and_the_others_are_told(installation):
    told = json.loads(installation.python("from inference.tests import rush; rush.take(readers=4)"))
    assert sorted(told["answers"]) == sorted(["TakenError"] * 3 + [told["has_it"]])


def test_readers_who_go_through_the_worklist_at_once_read_each_case_once(installation):
    told = json.loads(installation.python("from inference.tests import rush; rush.read(readers=4, cases=10)"))
    assert told == {"errors": [], "given": 10, "signed": [1] * 10}


def test_reports_written_at_once_are_numbered_one_after_another(installation):
    told = json.loads(installation.python("from inference.tests import rush; rush.report(writers=4)"))
    assert told == {"answers": [None] * 4, "versions": [1, 2, 3, 4]}


def test_people_who_ask_about_the_same_films_at_once_have_each_film_asked_about_once(installation):
    told = json.loads(installation.python("from inference.tests import rush; rush.ask(people=4)").splitlines()[-1])
    assert told["each_once"]
    asked, already, over = map(sum, zip(*told["answers"], strict=True))
    assert (asked, already, over) == (24, 72, 0)


def test_workers_who_claim_at_once_take_each_row_once(installation):
    told = json.loads(installation.python("from inference.tests import rush; rush.claim(workers=4)"))
    assert told == {"answers": [None] * 4, "attempts": [1] * 30}


def test_of_publishers_at_once_one_publishes_one_file_and_one_mail(installation):
    told = json.loads(
        installation.python("from inference.tests import rush; rush.publish(publishers=4)").splitlines()[-1]
    )
    assert sorted(map(str, told["answers"])) == ["1", "ReportError", "ReportError", "ReportError"]
    assert (told["status"], told["files"], told["mails"]) == ("published", 1, 1)


def test_the_database_itself_refuses_to_change_what_is_published(installation):
    told = json.loads(installation.python("from inference.tests import rush; rush.change_what_is_published()"))
    assert set(told) == {"body", "status", "pdf", "version", "key"}
    assert {"what is published never changes" in why for why in told.values()} == {True}
