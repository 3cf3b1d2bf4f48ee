"""What must agree in the clinic's data, whatever happened: read by `check_integrity`, one query each."""

from collections.abc import Iterator

from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from backoffice.jobs.registry import check
from clinic.models import Appointment, ClinicSession

Status = Appointment.Status
COUNT_ANEW = "In the list of sessions, run “Count anew” on it."
CHUNK = 500  # rows in memory at a time


@check("places")
def places_are_counted() -> Iterator[str]:
    """`booked` is the number of appointments that hold a place."""
    of_session = Appointment.objects.active().filter(session=OuterRef("pk")).order_by().values("session")
    counted = Coalesce(Subquery(of_session.values(n=Count("pk"))), 0)
    for session in _sessions().annotate(counted=counted).exclude(booked=F("counted")).iterator(CHUNK):
        consequence = "too few are offered" if session.booked > session.counted else "too many are offered"
        yield (
            f"{_name(session)} says {session.booked} booked, and {session.counted} appointments hold a place: "
            f"{consequence}. {COUNT_ANEW}"
        )


@check("numbers")
def numbers_are_ahead() -> Iterator[str]:
    """No number is given again: `last_number` is at least the largest one."""
    largest = Coalesce(Max("appointments__queue_number"), 0)
    for session in _sessions().annotate(largest=largest).filter(last_number__lt=F("largest")).iterator(CHUNK):
        yield (
            f"{_name(session)} gave {session.last_number} as its last number, and {session.largest} is taken: the next "
            f"booking would fail. {COUNT_ANEW}"
        )
    for ahead in _sessions().filter(current_number__gt=F("last_number")).iterator(CHUNK):
        yield (
            f"{_name(ahead)} serves number {ahead.current_number}, which it never gave: the board shows it. Call "
            "the next number at its desk."
        )


@check("states")
def states_do_not_contradict() -> Iterator[str]:
    """What cannot be true of one appointment at the same time."""
    been = [Status.CALLED, Status.DONE, Status.NO_SHOW]
    contradictions = {
        "is visible in a session that is hidden: restore the session, or hide it too.": Q(
            session__hidden_at__isnull=False
        ),
        "was called, seen or missed on a day that has not come: undo that at the session's desk.": Q(
            status__in=been, session__date__gt=timezone.localdate()
        ),
        "is called, without a time: call it again at the session's desk.": Q(status=Status.CALLED, called_at=None),
    }
    for what, condition in contradictions.items():
        rows = Appointment.objects.active().filter(condition).order_by("pk")
        for pk in rows.values_list("pk", flat=True).iterator(CHUNK):
            yield f"Appointment {pk} {what}"


def _sessions() -> QuerySet[ClinicSession]:
    return ClinicSession.objects.order_by("pk")


def _name(session: ClinicSession) -> str:
    return f"Session {session.slug} (id {session.pk})"
