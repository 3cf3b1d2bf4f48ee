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
