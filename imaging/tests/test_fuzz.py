"""Files damaged at random: nothing comes of them but a picture or the door's own refusal.

A few go with every run; FUZZ=100000 takes more of them, and `python -m imaging.tests.fuzz` tells what became of each
kind. A find is a number: `fuzz.mutant(number)` makes the file again.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from imaging.ingest import Refused, read
from imaging.tests import fuzz

FILES = int(os.environ.get("FUZZ", "400"))
THROUGH_THE_DOOR = 40


def test_damaged_files_raise_nothing_but_refusals():
    command = [sys.executable, "-m", fuzz.__name__, str(FILES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("number", range(THROUGH_THE_DOOR))
def test_the_process_that_is_sent_a_damaged_file_lives(number):
    one = fuzz.mutant(number)
    with suppress(Refused):
        assert read(one.data, one.name).width


def test_whoever_looks_for_finds_sees_one(monkeypatch):
    """A child's exception, exit and death are told apart, and the run goes on behind each."""

    def told(one):
        if one is damaged[3]:
            os.kill(os.getpid(), signal.SIGKILL)
        if one is damaged[5]:
            os._exit(3)
        return ("film", "exception" if one is damaged[7] else "kept", "", 0.0)

    damaged = {number: fuzz.Mutant("film", "film.png", b"") for number in range(10)}
    monkeypatch.setattr(fuzz, "mutant", damaged.__getitem__)
    monkeypatch.setattr(fuzz, "read", told)
    run = fuzz.Run(range(10))
    run.go()
    assert run.counts == {
        ("film", "kept"): 7, ("film", "crashed"): 1, ("film", "exited"): 1, ("film", "exception"): 1
    }  # fmt: skip
    assert [found.number for found in run.found] == [5, 7]
