"""Checks that the data agrees with itself, for `check_integrity`. Each app adds its own in an `upkeep.py`:

@check("places")
def places_are_counted() -> Iterator[str]:
    for session in …:
        yield "Session 2026-11-23 morning: … Do this."
"""

from collections.abc import Callable, Iterator

from django.utils.module_loading import autodiscover_modules

Check = Callable[[], Iterator[str]]
"""Yields a sentence for each thing that differs: what it is, and what to do. Never a patient's name or data."""

_checks: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Register a check under the name that the command prints."""

    def register(function: Check) -> Check:
        _checks[name] = function
        return function

    return register


def checks() -> dict[str, Check]:
    """The checks of every app, by name."""
    autodiscover_modules("upkeep")
    return _checks
