"""What the cache keeps, as JSON: whoever may write into it changes at most what is shown, and runs nothing.

Days, times and decimals come back as what they were; so do the dataclasses that say `@plain`. Anything else that JSON
does not know is refused when it is written, so that a cache never holds what a later reader cannot trust.
"""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise

KIND, VALUE = "kind of", "value"

_spoken: dict[type, Callable[[Any], Any]] = {
    datetime: datetime.isoformat,  # before date, which it is one of
    date: date.isoformat,
    time: time.isoformat,
    Decimal: str,
}
_read: dict[str, Callable[[Any], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "Decimal": Decimal,
}


def plain(kind: type) -> type:
    """Decorate a dataclass of plain values, so that the cache keeps it."""
    if not is_dataclass(kind) or kind.__name__ in _read:
        raise TypeError(f"{kind.__name__} is no dataclass, or another one has its name")
    names = [field.name for field in fields(kind)]
    _spoken[kind] = lambda value: {name: getattr(value, name) for name in names}
    _read[kind.__name__] = lambda said: kind(**said)
    return kind


def dumps(value: Any) -> str:
    """Raises TypeError where JSON and the kinds above do not hold the value."""
    return json.dumps(value, default=_say, separators=(",", ":"))


def loads(text: str | bytes) -> Any:
    """What `dumps` was given, tuples as lists. Raises ValueError or TypeError where the text is none of ours."""
    return json.loads(text, object_hook=_hear)


def _say(value: Any) -> Any:
    if isinstance(value, Promise):
        return str(value)  # what is kept is kept for each language
    for kind, say in _spoken.items():
        if isinstance(value, kind):
            return {KIND: kind.__name__, VALUE: say(value)}
    raise TypeError(f"{type(value).__name__} is nothing that the cache keeps: use plain values, or @plain")


def _hear(said: dict) -> Any:
    if said.keys() != {KIND, VALUE}:
        return said
    if said[KIND] not in _read:
        raise ValueError(f"nothing of ours is called {said[KIND]!r}")
    return _read[said[KIND]](said[VALUE])
