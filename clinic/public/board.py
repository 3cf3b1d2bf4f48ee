"""The public board: numbers, never names."""

import datetime
from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from backoffice.web.requests import Request
from clinic.models import Appointment, ClinicSession

NEXT_SHOWN = 4
MISSED_SHOWN = 6
# Two desks call at once: the number that the other desk's call took off the board is still on its way for so long.
ON_THE_WAY = datetime.timedelta(minutes=3)


@dataclass(frozen=True)
class Board:
    session: ClinicSession
    upcoming: list[int]
    may_still_come: list[int]


def board(now: datetime.datetime) -> Board | None:
    """The session that started last today, else the first to come; None where today has none left to show."""
    session = _session(now)
    if session is None:
        return None
    waiting = session.appointments.waiting()
    if session.has_ended(now) and not waiting.exists():
        return None
    numbers = session.appointments.visible().order_by("-called_at")
    missed = numbers.filter(
        Q(status=Appointment.Status.BOOKED, called_at__isnull=False)
        | Q(status=Appointment.Status.CALLED, called_at__gt=now - ON_THE_WAY)
    ).exclude(queue_number=session.current_number)
    return Board(
        session,
        upcoming=list(waiting.values_list("queue_number", flat=True)[:NEXT_SHOWN]),
        may_still_come=list(missed.values_list("queue_number", flat=True)[:MISSED_SHOWN]),
    )


def _session(now: datetime.datetime) -> ClinicSession | None:
    now = timezone.localtime(now)
    today = ClinicSession.objects.visible().filter(date=now.date())
    started = today.filter(opens_at__lte=now.time()).order_by("-opens_at").first()
    return started or today.filter(is_open=True).order_by("opens_at").first()


@never_cache
@require_safe
def now_serving(request: Request) -> HttpResponse:
    template = "clinic/_board.html" if request.htmx else "clinic/now.html"
    now = timezone.now()
    return render(request, template, {"board": board(now), "now": now})
