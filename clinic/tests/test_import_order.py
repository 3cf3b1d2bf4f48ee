"""An import locks what it will touch in the order in which everybody else does, so that nobody waits in a circle."""

import json

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("installation", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_an_import_and_whoever_touches_the_same_rows_both_come_through(installation):
    told = installation.python("from clinic.tests import rush_imports; rush_imports.import_beside_each()")
    assert json.loads(told) == {
        "another import": [2, "imported"],
        "another import of old visits": [2, "imported"],
        "a move": [2, "moved"],
        "a booking": [2, "booked"],
        "a cancellation": [2, "cancelled"],
    }
    installation.manage("check_integrity")


@pytest.mark.slow
def test_what_an_import_writes_is_as_it_was_read(installation):
    """And what was hidden, merged or changed meanwhile is neither brought back nor written over."""
    told = installation.python("from clinic.tests import rush_imports; rush_imports.patients_beside_each()")
    assert json.loads(told) == {"hide": [], "merge": [], "edit": [], "restore": []}
