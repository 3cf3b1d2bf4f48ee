"""Close days on which people are booked: each of them is moved or cancelled, all together or none."""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.models import User
from clinic.booking.bookings import STILL_TO_COME, cancel, move
from clinic.booking.errors import BookingError, SessionClosed
from clinic.booking.sessions import follow_hours, session_to_book
from clinic.hours.availability import last_day, offered_days
from clinic.models import Appointment, ClinicSession, Closure

CANCEL = "cancel"
"""What is decided for one person: this, or the `slug` of the session to move to."""


@dataclass(frozen=True)
class Proposal:
    """One person who is booked on a day that closes, and the next session with a place for them, if there is one."""

    appointment: Appointment
    instead: ClinicSession | None


class Undecided(BookingError):  # noqa: N818  (named for what is missing, as errors.py names what happened)
    """The closure hits these people, and not all of them have a decision that can be carried out."""

    message = _("People are booked on these days.")

    def __init__(self, proposals: list[Proposal], message: str = "") -> None:
        super().__init__(message)
        self.proposals = proposals


@transaction.atomic
def settle(closure: Closure, decisions: Mapping[int, str], *, by: User | None) -> Counter:
    """Close the sessions that a saved closure covers, and move or cancel whoever is booked in them; each gets a mail.

    `decisions` has CANCEL or a session's slug for each appointment's key. Raises Undecided, and then nothing is done:
    save the closure in the same transaction. Returns how many were `moved` and `cancelled`. `site` is for the mails'
    links: see mails.py.

    Booking waits while the sessions are locked, and finds them closed afterwards; so whoever is not among the booked
    that are read behind the locks can no longer come in.
    """
    today = timezone.localdate()
    _lock(Appointment.objects.filter(pk__in=decisions))
    _lock(ClinicSession.objects.filter(date__gte=today))
    follow_hours(today)
    booked = _booked(closure)
    if any(appointment.pk not in decisions for appointment in booked):
        raise Undecided(_propose(booked))
    try:
        return _carry_out(booked, decisions, reason=closure.reason, by=by)
    except BookingError as refusal:
        raise Undecided(_propose(_booked(closure)), str(refusal)) from refusal


def _lock(rows: QuerySet) -> None:
    list(rows.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk"))


def _booked(closure: Closure) -> list[Appointment]:
    """Who is still expected in a session that the closure closes. One that is open by hand stays open."""
    covered = Appointment.objects.visible().filter(
        status__in=STILL_TO_COME,
        session__hidden_at=None,
        session__is_open=False,
        session__date__range=(max(closure.starts_on, timezone.localdate()), closure.ends_on),
    )
    if closure.period:
        covered = covered.filter(session__period=closure.period)
    in_order = covered.select_related("session", "patient").order_by(
        "session__date", "session__opens_at", "queue_number"
    )
    return [appointment for appointment in in_order if not appointment.session.has_ended()]


def _propose(booked: Sequence[Appointment]) -> list[Proposal]:
    """The next session with places for each, in their order; a place is proposed to one person only."""
    offers = [offer.session for day in offered_days(last=_horizon(booked)) for offer in day.offers if offer.is_bookable]
    left = {session.slug: session.places_left for session in offers}
    taken = _active_slots(booked)

    def next_place(appointment: Appointment) -> ClinicSession | None:
        wanted = (appointment.session.date, appointment.session.opens_at)
        for session in offers:
            is_free = left[session.slug] and (appointment.patient_id, session.date, session.period) not in taken
            if is_free and (session.date, session.opens_at) > wanted:
                left[session.slug] -= 1
                taken.add((appointment.patient_id, session.date, session.period))
                return session
        return None

    return [Proposal(appointment, next_place(appointment)) for appointment in booked]


def _horizon(booked: Sequence[Appointment]) -> datetime.date:
    """As far beyond the last of them as patients can book beyond today."""
    return last_day(max(appointment.session.date for appointment in booked))


def _active_slots(booked: Sequence[Appointment]) -> set[tuple]:
    """(patient, day, period) that these people have booked already: nobody is booked twice in one session."""
    theirs = Appointment.objects.active().filter(patient__in={appointment.patient_id for appointment in booked})
    return set(theirs.values_list("patient_id", "session__date", "session__period"))


@transaction.atomic
def _carry_out(booked: Sequence[Appointment], decisions: Mapping[int, str], *, reason: str, by: User | None) -> Counter:
    done: Counter[str] = Counter()
    for appointment in booked:
        if decisions[appointment.pk] == CANCEL:
            cancel(appointment, by=by, reason=reason)
            done["cancelled"] += 1
        else:
            move(appointment, _session(decisions[appointment.pk]), by=by)
            done["moved"] += 1
    return done


def _session(slug: str) -> ClinicSession:
    date, _slash, period = slug.partition("/")
    try:
        session = session_to_book(datetime.date.fromisoformat(date), period)
    except ValueError:
        raise SessionClosed from None
    if session.has_ended():
        raise SessionClosed
    return session
