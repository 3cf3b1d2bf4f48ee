"""One change of one row that an UPDATE has written, told to history and to whoever listens to signals."""

from django.contrib.auth.base_user import AbstractBaseUser

from backoffice.records.mixins import REASON_LENGTH, ClinicalRecord


def record(row: ClinicalRecord, by: AbstractBaseUser | None, reason: str) -> None:
    """Save what an UPDATE already wrote to the row: a version of its history, with who and why, and the signals."""
    row.refresh_from_db()
    row._history_user, row._change_reason = by, reason[:REASON_LENGTH]
    row.save(update_fields=["updated_at"])
