"""Take away what people have booked: each of them stays, is moved or cancelled, all together or none.

Closures, opening hours and a session that is set by hand all come through here.
"""

import datetime
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from backoffice.formats.kept import Pattern
from backoffice.models import User
from backoffice.records.locks import lock_by_key
from backoffice.records.mixins import REASON_LENGTH
from backoffice.records.two_languages import both, shown_of_both
from clinic import mails
from clinic.booking.bookings import cancel, move
from clinic.booking.errors import BookingError, SessionClosed
from clinic.booking.sessions import FOLLOWED, follow_hours, hold, hold_timetable, session_to_book
from clinic.hours.availability import last_day, offered_days
from clinic.hours.losses import Loss, losses_by, losses_of
from clinic.models import Appointment, ClinicSession, Closure

CLOSED = Pattern(gettext_noop("Closed: %(reason)s"), reason=shown_of_both)
NOT_OFFERED = gettext_noop("What was booked is no longer offered")

KEEP, CANCEL = "keep", "cancel"
"""What is decided for one person: one of these, or the `slug` of the session to move to."""
A_YEAR = datetime.timedelta(days=366)


@dataclass(frozen=True)
class Proposal:
    """One person who would lose something, and the next session with a place for them, if there is one."""

    appointment: Appointment
    loss: Loss
    instead: ClinicSession | None

    @property
    def may_stay(self) -> bool:
        """On a day that a closure closes, nobody is there."""
        return self.loss.closure is None


class Undecided(BookingError):  # noqa: N818  (named for what is missing, as errors.py names what happened)
    """The change hits these people, and not all of them have a decision that can be carried out."""

    message = _("People are booked at these times.")

    def __init__(self, proposals: list[Proposal], message: str = "") -> None:
        super().__init__(message)
        self.proposals = proposals


@transaction.atomic
def settle(decisions: Mapping[int, str], *, by: User | None, closing: Sequence[Closure] = ()) -> Counter[str]:
    """Bring the sessions in step with hours and closures that were saved in this transaction, and do what was decided
    for whoever loses by it; each gets a mail.

    `decisions` has KEEP, CANCEL or a session's slug for each appointment's key; `closing` are the closures that were
    saved. Raises Undecided, and then nothing is done: the whole transaction is to be rolled back. Returns how many were
    `kept`, `moved` and `cancelled`.
    """
    return _settle(lambda: losses_by(closing=closing), lambda: follow_hours(timezone.localdate()), decisions, by=by)


@transaction.atomic
def set_by_hand(session: ClinicSession, decisions: Mapping[int, str], *, by: User | None) -> Counter[str]:
    """Give a session on file these hours and places, open or closed; from now on it does not follow the hours.

    Its counters stay out of the way: others are booking. Otherwise as `settle`.
    """
    wanted = {name: getattr(session, name) for name in FOLLOWED}

    def change() -> None:
        beyond = Greatest(F("overbooked"), F("booked") - session.capacity)
        ClinicSession.objects.filter(pk=session.pk).update(**wanted, set_by_hand=True, overbooked=beyond)

    return _settle(lambda: losses_of(ClinicSession.objects.get(pk=session.pk), session), change, decisions, by=by)


def _settle(
    find: Callable[[], list[Loss]], change: Callable[[], None], decisions: Mapping[int, str], *, by: User | None
) -> Counter[str]:
    """Booking waits while the sessions are locked, and finds them changed afterwards; so whoever is not among the
    people who are found behind the locks can no longer come in."""
    hold_timetable()  # a decision may be to move to a session that is not there yet
    lock_by_key(Appointment, decisions)
    hold(timezone.localdate())
    losses = find()
    if any(appointment.pk not in decisions for loss in losses for appointment in loss.people):
        raise Undecided(_propose(losses))
    try:
        with transaction.atomic():
            change()
            return _carry_out(losses, decisions, by=by)
    except BookingError as refusal:
        raise Undecided(_propose(find()), str(refusal)) from refusal


def _propose(losses: Sequence[Loss]) -> list[Proposal]:
    """The next session with places for each, in their order; a place is proposed to one person only."""
    last = min(max(loss.session.date for loss in losses), timezone.localdate() + A_YEAR)
    # As far beyond the last of them as patients can book beyond today. Whoever is booked for the year 9999, by a slip,
    # is proposed nothing.
    offers = [offer.session for day in offered_days(last=last_day(last)) for offer in day.offers if offer.is_bookable]
    left = {session.slug: session.places_left for session in offers}
    taken = _active_slots(losses)

    def next_place(appointment: Appointment) -> ClinicSession | None:
        wanted = (appointment.session.date, appointment.session.opens_at)
        for session in offers:
            is_free = left[session.slug] and (appointment.patient_id, session.date, session.period) not in taken
            if is_free and (session.date, session.opens_at) > wanted:
                left[session.slug] -= 1
                taken.add((appointment.patient_id, session.date, session.period))
                return session
        return None

    return [Proposal(appointment, loss, next_place(appointment)) for loss in losses for appointment in loss.people]


def _active_slots(losses: Sequence[Loss]) -> set[tuple]:
    """(patient, day, period) that these people have booked already: nobody is booked twice in one session."""
    patients = {appointment.patient_id for loss in losses for appointment in loss.people}
    theirs = Appointment.objects.active().filter(patient__in=patients)
    return set(theirs.values_list("patient_id", "session__date", "session__period"))


def _carry_out(losses: Sequence[Loss], decisions: Mapping[int, str], *, by: User | None) -> Counter[str]:
    done: Counter[str] = Counter()
    for loss in losses:
        for appointment in loss.people:
            done[_carry_out_one(appointment, loss, decisions[appointment.pk], by=by)] += 1
    return done


def _carry_out_one(appointment: Appointment, loss: Loss, decision: str, *, by: User | None) -> str:
    if decision == KEEP:
        if loss.closure:
            raise BookingError(_("Nobody can be kept on a day that a closure closes."))
        if loss.is_cut:
            appointment.refresh_from_db()
            mails.write("hours", appointment)
        return "kept"
    if decision == CANCEL:
        cancel(appointment, by=by, reason=_why(loss.closure))
        return "cancelled"
    move(appointment, _session(decision), by=by)
    return "moved"


def _why(closure: Closure | None) -> str:
    if closure is None:
        return NOT_OFFERED
    return CLOSED(REASON_LENGTH, reason=both(closure, "reason")) if closure.reason_other else closure.reason


def _session(slug: str) -> ClinicSession:
    try:
        wanted = ClinicSession.parse(slug)
        session = session_to_book(wanted.date, wanted.period)
    except ValueError:
        raise SessionClosed from None
    if session.has_ended():
        raise SessionClosed
    return session
