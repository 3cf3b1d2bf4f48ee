"""How far a backup is: a command draws a bar, a worker says nothing."""


class Progress:
    """What is done is counted in bytes, or in files."""

    def begin(self, what: str, total: int, unit: str = "B") -> None:
        pass

    def step(self, done: int) -> None:
        pass
