"""Hide appointments and bring them back: a hidden appointment holds no place."""

from collections import Counter
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from backoffice.models import User
from clinic.booking.changes import record
from clinic.booking.places import free, take_back
from clinic.models import Appointment, AppointmentQuerySet, ClinicSession


@transaction.atomic
def hide(queryset: AppointmentQuerySet, *, by: User | None, reason: str = "") -> int:
    """Hide what is visible here; it gives its places back. Returns how many rows that were."""
    rows = _locked(queryset.visible())
    for session, places in _places(rows):
        free(session.pk, places)
    for appointment in rows:
        _mark(appointment, by, reason, hidden_at=timezone.now(), hidden_by=by, hide_reason=reason)
    return len(rows)


@transaction.atomic
def restore(queryset: AppointmentQuerySet, *, by: User | None, reason: str = "") -> int:
    """Bring back what is hidden here, beyond capacity where its place was given away. Returns how many rows.

    Raises IntegrityError where a patient has another booking in the same session by now.
    """
    rows = _locked(queryset.hidden())
    for session, places in _places(rows):
        take_back(session, places, by=by)
    for appointment in rows:
        _mark(appointment, by, reason, hidden_at=None, hidden_by=None, hide_reason="")
    return len(rows)


def _locked(queryset: AppointmentQuerySet) -> list[Appointment]:
    return list(queryset.select_related("session").order_by("pk").select_for_update(of=("self",), no_key=True))


def _places(rows: Iterable[Appointment]) -> list[tuple[ClinicSession, int]]:
    """(session, places that these rows hold while visible), in the order of the sessions' keys."""
    held = Counter(row.session for row in rows if row.status != Appointment.Status.CANCELLED)
    return sorted(held.items(), key=lambda item: item[0].pk)


def _mark(appointment: Appointment, by: User | None, reason: str, **values) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(**values)
    record(appointment, by, reason)
