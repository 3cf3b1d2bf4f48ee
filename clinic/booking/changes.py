"""One change of one row, as every part of booking makes it."""

from collections.abc import Iterable

from backoffice.models import User
from clinic.booking.errors import WrongStatus
from clinic.models import Appointment, ClinicSession

REASON_LENGTH = 100  # of simple-history's column


def change_status(appointment: Appointment, status: str, *, since: Iterable[str], **values) -> None:
    """Change the status where it is still one of `since`: whoever changed it first wins, and the other is told."""
    here = Appointment.objects.visible().filter(pk=appointment.pk, status__in=since)
    changed = here.update(status=status, **values)
    appointment.refresh_from_db()
    if not changed:
        raise WrongStatus(appointment)


def record(row: Appointment | ClinicSession, by: User | None, reason: str) -> None:
    """Save what an UPDATE already wrote, for history and for whoever listens to signals."""
    row.refresh_from_db()
    row._history_user, row._change_reason = by, reason[:REASON_LENGTH]
    row.save(update_fields=["updated_at"])
