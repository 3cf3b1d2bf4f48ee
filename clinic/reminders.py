"""The reminder on the day before: a daily job."""

import datetime

from django.db import transaction
from django.utils import timezone

from clinic import mails
from clinic.models import Appointment


def remind() -> int:
    """Write to whoever is booked for tomorrow and has not been reminded; returns how many that were.

    However often it runs, and on however many workers, each booking is reminded of once: a mail and the note that it is
    written are one transaction, and the note is made by whoever comes first.
    """
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    booked = Appointment.objects.to_remind().filter(session__date=tomorrow).select_related("patient", "session")
    return sum(_remind(appointment) for appointment in booked if mails.address_of(appointment))


@transaction.atomic
def _remind(appointment: Appointment) -> bool:
    # Another worker may have got there first; or it was cancelled or moved just now.
    here = Appointment.objects.to_remind().filter(pk=appointment.pk, session=appointment.session)
    if not here.update(reminded_at=timezone.now()):
        return False
    mails.write("reminder", appointment)
    return True
