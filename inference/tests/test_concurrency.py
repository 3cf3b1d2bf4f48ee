"""What must not happen twice to an answer, with real processes, on SQLite and on PostgreSQL."""

import json

import pytest

pytestmark = pytest.mark.slow


def test_of_clinicians_who_sign_at_once_one_signs_and_the_others_are_asked(installation):
    told = json.loads(installation.python("from inference.tests import rush; rush.sign(clinicians=4)"))
    assert sorted(told["answers"]) == sorted(["AlreadySignedError"] * 3 + [told["stands"]])
    assert told["signatures"] == 1


def test_reports_written_at_once_are_numbered_one_after_another(installation):
    told = json.loads(installation.python("from inference.tests import rush; rush.report(writers=4)"))
    assert told == {"answers": [None] * 4, "versions": [1, 2, 3, 4]}


def test_workers_who_claim_at_once_take_each_row_once(installation):
    told = json.loads(installation.python("from inference.tests import rush; rush.claim(workers=4)"))
    assert told == {"answers": [None] * 4, "attempts": [1] * 30}
