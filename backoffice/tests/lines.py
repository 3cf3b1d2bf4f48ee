"""What is written to the log, for tests that read it."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from backoffice.web.logs import JsonFormatter


@contextmanager
def written_to(*names: str) -> Iterator[list[dict]]:
    """The lines that these loggers write meanwhile, read back from how they are written."""
    lines: list[dict] = []
    handler = logging.Handler()
    handler.setFormatter(JsonFormatter())
    handler.emit = lambda record: lines.append(json.loads(handler.format(record)))  # type: ignore[method-assign]
    loggers = [logging.getLogger(name) for name in names]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield lines
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
