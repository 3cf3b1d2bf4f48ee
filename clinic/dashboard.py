"""The clinic on the admin's first page: today's periods, whose identity is to be settled, each day's bookings."""

import datetime
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.live.blocks import block
from backoffice.live.plain import plain
from clinic.figures import bookings_per_day
from clinic.hours.availability import Plan
from clinic.models import Appointment, ClinicSession, Closure, OpeningHours, Patient, Period

Status = Appointment.Status
SHOWN = 5


@plain
@dataclass(frozen=True)
class Running:
    """What a card tells of its session. `pk` is None where nobody has booked yet."""

    pk: int | None
    opens_at: datetime.time
    closes_at: datetime.time
    capacity: int
    booked: int
    current_number: int

    @classmethod
    def of(cls, session: ClinicSession) -> Self:
        return cls(**{name: getattr(session, name) for name in cls.__dataclass_fields__})


@plain
@dataclass(frozen=True)
class Card:
    """One period of today. `session` is None where the weekday has no hours."""

    period: str
    label: str
    session: Running | None = None
    closed_because: str = ""
    is_over: bool = False
    is_running: bool = False
    seen: int = 0
    waiting: int = 0

    @property
    def can_call(self) -> bool:
        """Whoever waits is called, before the hour and after it too."""
        return bool(self.session and self.session.pk) and (self.waiting > 0 or self.is_running)


@block(
    order=10,
    permission="clinic.view_clinicsession",
    models=[Appointment, ClinicSession, OpeningHours, Closure],
    template="clinic/dashboard_today.html",
    every=5,
)
def today() -> dict:
    return {"cards": cards_of_today(), "has_hours": OpeningHours.objects.visible().exists()}


def cards_of_today() -> list[Card]:
    day = timezone.localdate()
    plan = Plan(day, day)
    queue = Q(appointments__hidden_at=None)
    counted = ClinicSession.objects.visible().annotate(
        seen=Count("appointments", queue & Q(appointments__status=Status.DONE)),
        waiting=Count("appointments", queue & Q(appointments__status=Status.CHECKED_IN)),
    )
    kept = {session.period: session for session in counted.filter(date=day)}
    return [_card(plan, period, kept.get(period), day) for period in Period]


def _card(plan: Plan, period: Period, kept: ClinicSession | None, day: date) -> Card:
    session = kept or plan.session(day, period)
    closure = plan.closure(day, period)
    named: dict[str, Any] = {"period": period.value, "label": str(period.label)}
    if session is None:
        return Card(**named, closed_because=_("no hours on this weekday"))
    if not session.is_open:
        why = closure.shown_reason if closure else _("closed by hand")
        return Card(**named, session=Running.of(session), closed_because=why)
    return Card(
        **named,
        session=Running.of(session),
        is_over=session.has_ended(),
        is_running=session.is_running(),
        seen=getattr(session, "seen", 0),
        waiting=getattr(session, "waiting", 0),
    )


@block(
    order=15,
    permission="clinic.change_appointment",
    models=[Appointment, Patient],
    template="clinic/dashboard_identity.html",
    columns=5,
)
def identities_to_settle() -> dict | None:
    """Bookings whose name or date of birth is not the one on file, the soonest first, then those that are past; None
    where there is none."""
    # The few that are marked come first, by their own index: SQLite would read all that are active by theirs.
    marked = Appointment.objects.filter(identity_conflict=True).values("pk")
    conflicts = Appointment.objects.active().filter(pk__in=marked, patient__hidden_at=None)
    told = conflicts.values("pk", "patient__full_name", "session__date")
    today = timezone.localdate()
    coming = list(told.filter(session__date__gte=today).order_by("session__date", "session__opens_at")[:SHOWN])
    past = told.filter(session__date__lt=today).order_by("-session__date", "-session__opens_at")
    rows = [*coming, *past[: SHOWN - len(coming)]]
    return {"rows": rows, "count": conflicts.count()} if rows else None


@block(
    order=50,
    permission="clinic.view_appointment",
    models=[ClinicSession, OpeningHours, Closure],
    template="clinic/dashboard_bookings.html",
    columns=7,
    every=30,
)
def bookings_each_day() -> dict:
    return {"chart": bookings_per_day(timezone.localdate())}
