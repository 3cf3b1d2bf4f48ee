"""One change of an appointment's status, as every part of booking makes it."""

from collections.abc import Iterable

from clinic.booking.errors import WrongStatus
from clinic.models import Appointment


def change_status(appointment: Appointment, status: str, *, since: Iterable[str], **values: object) -> None:
    """Change the status where it is still one of `since`: whoever changed it first wins, and the other is told."""
    here = Appointment.objects.visible().filter(pk=appointment.pk, status__in=since)
    changed = here.update(status=status, **values)
    appointment.refresh_from_db()
    if not changed:
        raise WrongStatus(appointment)
