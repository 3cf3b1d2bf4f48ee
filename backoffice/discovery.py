"""What each app adds by name, in a module of its own that is looked for: checks, purges, schedules, blocks.

check: Registry[Check] = Registry("upkeep")

@check("places")
def places_are_counted() -> Iterator[str]: …
"""

from collections.abc import Callable
from types import FunctionType
from typing import Generic, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import autodiscover_modules

Thing = TypeVar("Thing")


class Registry(Generic[Thing]):
    """Things of one kind by name, added by the module of that name in every app."""

    def __init__(self, module: str) -> None:
        self.module = module
        self._named: dict[str, Thing] = {}

    def __call__(self, name: str) -> Callable[[Thing], Thing]:
        """Decorate what is to be added."""

        def register(thing: Thing) -> Thing:
            self.add(name, thing)
            return thing

        return register

    def add(self, name: str, thing: Thing) -> None:
        """Raises ImproperlyConfigured where the name is taken: one of the two would silently answer for the other."""
        if name in self._named:
            both = f"{origin(self._named[name])} and {origin(thing)}"
            raise ImproperlyConfigured(f"Two have the name {name!r} in the apps' {self.module}.py: {both}. Rename one.")
        self._named[name] = thing

    def all(self) -> dict[str, Thing]:
        """Of every app, in the order in which they were added."""
        autodiscover_modules(self.module)
        return self._named


def origin(thing: object) -> str:
    """Where a function stands, or what anything else says of itself."""
    return f"{thing.__module__}.{thing.__qualname__}" if isinstance(thing, FunctionType) else str(thing)
