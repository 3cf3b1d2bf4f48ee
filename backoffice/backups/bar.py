"""How far it is, on a terminal."""

from typing import Self

from tqdm import tqdm

from backoffice.backups.progress import Progress


class Bar(Progress):
    """One bar after the other; nothing where nobody looks."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def begin(self, what: str, total: int, unit: str = "B") -> None:
        self._end()
        self._bar = tqdm(
            desc=str(what), total=total, unit=unit, unit_scale=unit == "B", unit_divisor=1024, disable=None, leave=False
        )

    def step(self, done: int) -> None:
        if self._bar is not None:
            self._bar.update(done)

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
