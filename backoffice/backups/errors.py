"""Why there is no backup, or nothing that could be restored: a sentence that says what to do."""


class BackupError(Exception):
    """Nothing half-done stays behind. Its text may be kept: it is a `Sentence`, and names no patient."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told


class UnderWayError(BackupError):
    """Another process does the same: nothing has failed."""


class DamagedError(BackupError):
    """The archive is not what was written."""
