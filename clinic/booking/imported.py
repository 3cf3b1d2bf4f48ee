"""Appointments that come with their reference from another installation: they keep their numbers, and are counted."""

import datetime
from collections.abc import Iterable

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from backoffice.models import User
from clinic.booking.counting import count_anew
from clinic.booking.sessions import session_for
from clinic.models import ClinicSession, Period

USUAL_TIMES = {Period.MORNING: (9, 12), Period.AFTERNOON: (14, 17), Period.EVENING: (18, 21)}


def session_of_record(day: datetime.date, period: str, *, by: User | None) -> ClinicSession:
    """A session for an appointment that is on record, where there was none.

    Where the hours offer nothing, it is one that nobody can book, with no places but those that it turns out to hold.
    """
    session = session_for(day, period)
    if session is None:
        opens, closes = USUAL_TIMES[Period(period)]
        session = ClinicSession(
            date=day,
            period=period,
            opens_at=datetime.time(opens),
            closes_at=datetime.time(closes),
            capacity=0,
            is_open=False,
            set_by_hand=True,
        )
        session._history_user, session._change_reason = by, _("Made for imported appointments")
        session.save()
    return session


@transaction.atomic
def count_imported(sessions: Iterable[ClinicSession], *, by: User | None) -> list[ClinicSession]:
    """Count the places and numbers of these sessions anew. Returns those that hold more than they have places."""
    beyond = []
    for session in sorted(sessions, key=lambda session: session.pk):
        count_anew(session, by=by)
        for_record_only = ClinicSession.objects.filter(pk=session.pk, set_by_hand=True, is_open=False, capacity=0)
        for_record_only.update(capacity=F("booked"), overbooked=0)
        session.refresh_from_db()
        if session.booked > session.capacity:
            beyond.append(session)
    return beyond
