"""What a child does in tests."""

import sys
from collections.abc import Iterator
from io import BytesIO
from typing import IO

from imaging import reading

warm_up = reading.warm_up


def what_it_loads(source: IO[bytes], *, name: str) -> Iterator[list[str]]:
    """Yield the modules that reading a film loads in the child."""
    before = set(sys.modules)
    list(reading.picture(source, BytesIO(), BytesIO(), BytesIO(), name=name))
    yield sorted(set(sys.modules) - before)
