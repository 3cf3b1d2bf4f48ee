"""Appointments that come from a file. Those with a reference keep their numbers, and are counted."""

import datetime
from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext_noop

from backoffice.models import User
from backoffice.records.locks import lock_by_key
from clinic.booking.counting import count_anew
from clinic.booking.sessions import hold_timetable, session_for
from clinic.models import Appointment, ClinicSession, Patient, Period

USUAL_TIMES = {Period.MORNING: (9, 12), Period.AFTERNOON: (14, 17), Period.EVENING: (18, 21)}

Slot = tuple[datetime.date, str]


def lock(patients: Iterable[int], appointments: Iterable[int], slots: Iterable[Slot]) -> None:
    """Lock what an import will touch, until its transaction ends.

    In the order in which everybody else comes to these rows: the hours, where sessions have to be made, then patients,
    bookings and sessions, each kind by its keys. In a file's order, an import and whoever moves a booking could each
    wait for a row of the other's.
    """
    slots = set(slots)
    if slots - sessions_on_file(slots).keys():
        hold_timetable()
    lock_by_key(Patient, patients)
    holding = lock_by_key(Appointment, appointments, "session_id")
    lock_by_key(ClinicSession, holding | set(sessions_on_file(slots).values()))


def sessions_on_file(slots: Iterable[Slot]) -> dict[Slot, int]:
    """The keys of those sessions that are there, hidden ones too."""
    slots = set(slots)
    if not slots:
        return {}
    between = (min(day for day, _period in slots), max(day for day, _period in slots))
    rows = ClinicSession.objects.filter(date__range=between).values_list("date", "period", "pk")
    return {(day, period): pk for day, period, pk in rows if (day, period) in slots}


def make_sessions(recorded: set[Slot], to_book: set[Slot], *, by: User | None) -> list[ClinicSession]:
    """Make those sessions that are missing, in the same order as any other import. Returns those for the record."""
    made = []
    for slot in sorted((recorded | to_book) - sessions_on_file(recorded | to_book).keys()):
        if slot in recorded:
            made.append(session_of_record(*slot, by=by))
        else:
            session_for(*slot)
    return made


def drop_unused(sessions: Iterable[ClinicSession]) -> None:
    """Of sessions that were made for the record in this transaction, take out those that turned out to hold nothing."""
    keys = [session.pk for session in sessions]
    unused = list(ClinicSession.objects.filter(pk__in=keys, appointments=None).values_list("pk", flat=True))
    ClinicSession.objects.filter(pk__in=unused).delete()
    ClinicSession.history.filter(id__in=unused).delete()


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
        session._history_user, session._change_reason = by, gettext_noop("Made for imported appointments")
        try:
            with transaction.atomic():
                session.save()
        except IntegrityError:  # another import was first, and is done
            session = ClinicSession.objects.select_for_update(no_key=True).get(date=day, period=period)
    return session


@transaction.atomic
def count_imported(sessions: Iterable[ClinicSession], *, by: User | None) -> list[ClinicSession]:
    """Count the places and numbers of these sessions anew, of which some may have been taken out. Returns those that
    hold more than they have places."""
    beyond = []
    for session in ClinicSession.objects.filter(pk__in=[session.pk for session in sessions]).order_by("pk"):
        count_anew(session, by=by)
        for_record_only = ClinicSession.objects.filter(pk=session.pk, set_by_hand=True, is_open=False, capacity=0)
        for_record_only.update(capacity=F("booked"), overbooked=0)
        session.refresh_from_db()
        if session.booked > session.capacity:
            beyond.append(session)
    return beyond
