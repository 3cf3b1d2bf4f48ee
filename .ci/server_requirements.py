"""Holds requirements-server.txt against requirements.txt: the same lines, but for the tests and checks.

Prints what differs, and exits with 1 where anything does.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APPS = ("backoffice", "clinic", "imaging", "inference")
TESTS_AND_CHECKS = "# Tests and checks"
EXTRAS = sorted(set(ROOT.glob("requirements-*.txt")) - {ROOT / "requirements-server.txt"})
IMPORTED_AS = {"pytest-django": "pytest_django", "pytest-xdist": "xdist", "pytest-cov": "pytest_cov"}


def pinned(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def differences() -> list[str]:
    """Lines of one list that the other lacks."""
    for_a_server, _heading, _tests = (ROOT / "requirements.txt").read_text().partition(TESTS_AND_CHECKS)
    wanted, there = pinned(for_a_server), pinned((ROOT / "requirements-server.txt").read_text())
    missing = [f"requirements-server.txt lacks: {line}" for line in wanted if line not in there]
    return missing + [f"requirements-server.txt has what the whole list has not: {x}" for x in there if x not in wanted]


def tests_that_a_server_would_need() -> list[str]:
    """Files of the site that import what only tests and checks install, and no list of extras names."""
    _server, _heading, tests = (ROOT / "requirements.txt").read_text().partition(TESTS_AND_CHECKS)
    extras = {name for path in EXTRAS for name in names_in(path.read_text())}
    tools = {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names_in(tests) - extras}
    return [
        f"{path.relative_to(ROOT)} imports {tool}, which a server does not have"
        for app in APPS
        for path in sorted((ROOT / app).rglob("*.py"))
        if "tests" not in path.parts
        for tool in sorted(tools & set(imported(path)))
    ]


def names_in(text: str) -> set[str]:
    return {re.split(r"[=\[]", line)[0] for line in pinned(text)}


def imported(path: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return [name.split(".")[0] for name in plain + [n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)]]


if __name__ == "__main__":
    found = differences() + tests_that_a_server_would_need()
    print("\n".join(found) or "requirements-server.txt is requirements.txt without its tests and checks.")
    sys.exit(bool(found))
