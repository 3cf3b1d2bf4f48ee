"""Mend a session's counters, where something other than booking has changed its appointments."""

from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Greatest
from django.utils.translation import gettext_noop

from backoffice.models import User
from backoffice.records.changes import record
from clinic.models import ClinicSession


@transaction.atomic
def count_anew(session: ClinicSession, *, by: User | None) -> None:
    """Set the places taken and the last number to what its appointments say. No number is given a second time.

    The lock comes first: whoever books or cancels meanwhile is either counted here or counts themselves afterwards.
    """
    ClinicSession.objects.select_for_update().get(pk=session.pk)
    booked = session.appointments.active().count()
    largest = session.appointments.aggregate(largest=Max("queue_number"))["largest"] or 0
    ClinicSession.objects.filter(pk=session.pk).update(
        booked=booked,
        overbooked=Greatest(F("overbooked"), booked - F("capacity")),
        last_number=Greatest(F("last_number"), largest),
    )
    record(session, by, gettext_noop("Counted anew"))
