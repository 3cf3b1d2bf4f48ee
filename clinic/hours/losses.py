"""What a change would take away from people who have booked it: a session, some of its hours, or their places."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.utils import timezone

from clinic.hours.availability import Plan
from clinic.models import Appointment, ClinicSession, Closure, OpeningHours


@dataclass(frozen=True)
class Loss:
    """One session that would be worse than people have booked it, and who they are."""

    session: ClinicSession
    """As it stands."""
    then: ClinicSession | None
    """As it would be; None where it would not be offered at all."""
    closure: Closure | None = None
    """What closes it, where that is a closure: then nobody can stay."""
    people: tuple[Appointment, ...] = ()
    """Who is still to come and loses something, in the order of their numbers."""

    @property
    def closes(self) -> bool:
        return self.then is None or not self.then.is_open

    @property
    def is_cut(self) -> bool:
        """It would begin later, or end sooner."""
        then = None if self.closes else self.then
        return then is not None and (then.opens_at > self.session.opens_at or then.closes_at < self.session.closes_at)

    @property
    def beyond(self) -> int:
        """How many bookings there would be beyond its places."""
        return max(0, self.session.booked - (0 if self.then is None or self.closes else self.then.capacity))

    @property
    def is_worse(self) -> bool:
        """Whether somebody loses by it: staff may have booked some beyond capacity, or kept some in what is closed."""
        if not self.session.is_open:
            return self.closes and self.closure is not None
        return self.closes or self.is_cut or self.beyond > max(0, self.session.booked - self.session.capacity)

    def of(self, booked: Sequence[Appointment]) -> "Loss":
        """With those of the booked whom it hits: all of them, or the last where only places are gone."""
        hit = booked if self.closes or self.is_cut else booked[-self.beyond :]
        return replace(self, people=tuple(hit))


def losses_by(unsaved: OpeningHours | Closure | None = None, closing: Sequence[Closure] = ()) -> list[Loss]:
    """What the sessions lose by the hours and closures as they are, or as they would be with this row saved.

    What is set by hand follows neither and loses nothing. `closing` are closures that have just come: they leave nobody
    behind, not even those who were kept when a session was closed otherwise. Four queries.
    """
    closing = [*closing, unsaved] if isinstance(unsaved, Closure) else closing
    today = timezone.localdate()
    sessions = list(ClinicSession.objects.visible().filter(date__gte=today, booked__gt=0).order_by("date", "opens_at"))
    if not sessions:
        return []
    plan = Plan(today, sessions[-1].date, unsaved)
    return _that_hit_somebody(_loss(session, plan, closing) for session in sessions)


def losses_of(session: ClinicSession, then: ClinicSession) -> list[Loss]:
    """The same for one session that is set by hand, from what it is to what it would be."""
    return _that_hit_somebody([Loss(session, then)])


def _loss(session: ClinicSession, plan: Plan, closing: Sequence[Closure]) -> Loss:
    slot = session.date, session.period
    covering = next((closure for closure in closing if closure.covers(*slot)), None)
    if session.set_by_hand:
        return Loss(session, session, covering)
    return Loss(session, plan.session(*slot), covering or (plan.closure(*slot) if session.is_open else None))


def _that_hit_somebody(losses: Iterable[Loss]) -> list[Loss]:
    losses = [loss for loss in losses if not loss.session.has_ended() and loss.is_worse]
    booked: dict[int | None, list[Appointment]] = {loss.session.pk: [] for loss in losses}
    to_come = Appointment.objects.visible().still_to_come().filter(session__in=booked)
    for appointment in to_come.select_related("session", "patient").order_by("queue_number") if losses else ():
        booked[appointment.session_id].append(appointment)
    losses = [loss.of(booked[loss.session.pk]) for loss in losses]
    return [loss for loss in losses if loss.people]
