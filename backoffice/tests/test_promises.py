"""docs/promises.md names tests that are there."""

import re

from conftest import ROOT

PROMISES = (ROOT / "docs" / "promises.md").read_text()
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


def test_every_test_that_a_promise_names_is_there():
    named = TEST.findall(PROMISES)
    assert len(named) > 50
    missing = [f"{path}::{name}" for path, name in named if f"def {name}(" not in read(path)]
    assert missing == []


def read(path: str) -> str:
    file = ROOT / path
    return file.read_text() if file.exists() else ""


def test_every_promise_names_one():
    rows = [
        line for line in PROMISES.splitlines() if line.startswith("| ") and not line.startswith(("| promise", "| ---"))
    ]
    assert [row for row in rows if not TEST.search(row)] == []
