"""To which request something belongs: in the log, on rows that a worker takes up later, and in that worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

NONE = "-"
ID_LENGTH = 32  # a UUID in hexadecimal

request_id: ContextVar[str] = ContextVar("request_id", default=NONE)


def this_request() -> str:
    """What a row keeps that is written now: the id of the request, "" where none asks for it."""
    current = request_id.get()
    return "" if current == NONE else current[:ID_LENGTH]


@contextmanager
def of_request(id_: str) -> Iterator[None]:
    """What happens within belongs to that request, however much later. Where it is not known, to what it did."""
    token = request_id.set(id_ or request_id.get())
    try:
        yield
    finally:
        request_id.reset(token)
