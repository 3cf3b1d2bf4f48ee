"""What a page in a browser shows only by and by, and what `expect` knows no question for."""

import time
from collections.abc import Callable
from typing import TypeVar

from playwright.sync_api import Page

Seen = TypeVar("Seen")


def when(page: Page, look: Callable[[], Seen], is_right: Callable[[Seen], object], seconds: float = 30) -> Seen:
    """What `look` sees, as soon as it is right. Fails the test, with what was seen last, where that does not come."""
    deadline = time.monotonic() + seconds
    while not is_right(seen := look()):
        assert time.monotonic() < deadline, seen
        page.wait_for_timeout(50)
    return seen
