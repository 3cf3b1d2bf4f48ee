"""Holds docs/promises.md and docs/asvs.md against the tests, and the scripts of bad days, that they name: each that is
named is there, and no row goes without."""

import ast
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
SCRIPT = re.compile(r"`(benchmarks/faults/\w+\.py)`")
NUMBER = re.compile(r"\| V(\d+)\.(\d+)\.(\d+) \|")
WITHOUT = ("*Exception:* ", "*Not here:* ", "*Proxy:* ", "*Written down:* ")
"""How the last cell of a row of asvs.md may begin that names no test."""


@functools.cache
def functions_in(path: str) -> frozenset[str]:
    file = ROOT / path
    tree = ast.parse(file.read_text()) if file.exists() else ast.Module([], [])
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def rows_of(text: str) -> Iterator[str]:
    """Rows of its tables, without their heads."""
    lines = text.splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        is_head = line.startswith("| ---") or lines[min(lines.index(line) + 1, len(lines) - 1)].startswith("| ---")
        if line.startswith("| ") and not is_head and before.startswith("|"):
            yield line


def faults_of(name: str) -> Iterator[str]:
    text = (ROOT / "docs" / name).read_text()
    for path, test in TEST.findall(text):
        if test not in functions_in(path):
            yield f"docs/{name} names {path}::{test}, which is not there"
    for path in SCRIPT.findall(text):
        if not (ROOT / path).exists():
            yield f"docs/{name} names {path}, which is not there"
    is_ledger = name == "asvs.md"
    for row in rows_of(text):
        last = row.rstrip(" |").rpartition("| ")[2]
        if not (TEST.search(row) or SCRIPT.search(row)) and not (is_ledger and last.startswith(WITHOUT)):
            yield f"docs/{name} says no test, and not why: {row[:80]}"
    numbers = [tuple(map(int, number)) for number in NUMBER.findall(text)]
    if numbers != sorted(set(numbers)):
        yield f"docs/{name} has a number twice, or out of its order"


def main() -> int:
    found = [fault for name in ("promises.md", "asvs.md") for fault in faults_of(name)]
    print("\n".join(found) or "Every promise names its test.", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
