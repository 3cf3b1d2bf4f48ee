"""Today on the admin's first page: each period, how full it is, and the number being served."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.dashboard import block
from clinic.models import Appointment, ClinicSession, OpeningHours, Period
from clinic.offer import Plan

Status = Appointment.Status


@dataclass(frozen=True)
class Card:
    """One period of today. `session` is None, or not saved yet, where nobody has booked."""

    period: Period
    session: ClinicSession | None
    closed_because: str = ""
    seen: int = 0
    waiting: int = 0

    @property
    def is_over(self) -> bool:
        return self.session.has_ended()

    @property
    def is_running(self) -> bool:
        return self.session.is_running()

    @property
    def can_call(self) -> bool:
        """Whoever waits is called, before the hour and after it too."""
        return bool(self.session.pk) and (self.waiting > 0 or self.is_running)


@block(order=10, permission="clinic.view_clinicsession", template="clinic/dashboard_today.html")
def today(request) -> dict:
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


def _card(plan: Plan, period: Period, kept: ClinicSession | None, day) -> Card:
    session = kept or plan.session(day, period)
    closure = plan.closure(day, period)
    if session is None:
        return Card(period, None, _("no hours on this weekday"))
    if not session.is_open:
        return Card(period, session, closure.reason if closure else _("closed by hand"))
    return Card(period, session, "", getattr(session, "seen", 0), getattr(session, "waiting", 0))
