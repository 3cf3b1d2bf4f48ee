"""Which results need what not every installation has."""

from functools import cache
from importlib.util import find_spec


@cache
def has_structured() -> bool:
    """Whether structured reports can be made here: requirements-sr.txt is installed."""
    return find_spec("highdicom") is not None
