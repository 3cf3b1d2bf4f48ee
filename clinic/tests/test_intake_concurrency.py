"""Intake records and people who change things at the same moment, with real processes."""

import json

import pytest

pytestmark = pytest.mark.slow


def test_records_stay_in_step_with_changes_and_rebuilds_at_once(installation):
    changed = json.loads(
        installation.python(
            "from clinic.tests import rush_intake;"
            "rush_intake.change_what_records_show(visits=4, processes=8, changes=15)"
        )
    )
    assert changed["answers"] == [15] * 8
    assert changed["differences"] == []


def test_who_books_while_a_symptom_is_named_anew_has_a_record_with_its_new_name(installation):
    changed = json.loads(
        installation.python("from clinic.tests import rush_intake; rush_intake.rename_a_symptom_while_somebody_books()")
    )
    assert changed == {"answers": ["booked", "renamed"], "differences": []}


def test_of_many_who_ask_one_patient_at_once_one_writes_all_the_answers(installation):
    asked = json.loads(installation.python("from clinic.tests import rush_intake; rush_intake.ask_one_visit(8)"))
    assert sorted(map(str, asked["answers"])) == ["AlreadyAnswered"] * 7 + ["None"]
    assert len(asked["kept"]) == 2
    assert len(set(asked["kept"])) == 1
    assert asked["differences"] == []
