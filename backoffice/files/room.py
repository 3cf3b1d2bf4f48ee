"""A disk that is full, whoever says so: the system, SQLite or PostgreSQL."""

import errno

from backoffice.formats.kept import Sentence
from backoffice.formats.kept import gettext as _

FULL = (errno.ENOSPC, errno.EDQUOT)
DISK_FULL = "53100"  # PostgreSQL's code


def is_full(error: BaseException | None) -> bool:
    """Whether this error, or what caused it, is that."""
    while error is not None:
        if (
            getattr(error, "errno", None) in FULL
            or getattr(error, "sqlite_errorname", None) == "SQLITE_FULL"
            or getattr(error, "sqlstate", None) == DISK_FULL
        ):
            return True
        error = error.__cause__
    return False


def none_left() -> Sentence:
    """To whoever sent a file."""
    return _(
        "There is no room left on the disk, and nothing of it was kept. Tell whoever looks after this machine, and "
        "send it again once there is room."
    )
