"""One change of one row that an UPDATE has written, told to history and to whoever listens to signals."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext

from backoffice.records.mixins import REASON_LENGTH, ClinicalRecord


def record(row: ClinicalRecord, by: AbstractBaseUser | None, reason: str) -> None:
    """Save what an UPDATE already wrote to the row: a version of its history, with who and why, and the signals."""
    row.refresh_from_db()
    row._history_user, row._change_reason = by, reason[:REASON_LENGTH]
    row.save(update_fields=["updated_at"])


def reason_told(reason: str | None) -> str:
    """Why a change was made, in the reader's language where the software gave the reason; else as somebody typed it.

    What the software says is kept in English (`gettext_noop`): who reads a history may speak another language than
    who caused it.
    """
    return gettext(reason) if reason else ""
