"""What must agree in the clinic's data, whatever happened: read by `check_integrity`, one query each."""

from collections.abc import Iterator

from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from backoffice.formats.lists import in_turn
from backoffice.jobs.registry import check
from clinic.models import Appointment, ClinicSession

Status = Appointment.Status
COUNT_ANEW = gettext_lazy("In the list of sessions, run “Count anew” on it.")
CHUNK = 500  # rows in memory at a time


@check(gettext_noop("places"))
def places_are_counted() -> Iterator[str]:
    """`booked` is the number of appointments that hold a place."""
    of_session = Appointment.objects.active().filter(session=OuterRef("pk")).order_by().values("session")
    counted = Coalesce(Subquery(of_session.values(n=Count("pk"))), 0)
    for session in _sessions().annotate(counted=counted).exclude(booked=F("counted")).iterator(CHUNK):
        if session.booked > session.counted:
            what = _("%(session)s says %(booked)d booked, and %(n)d appointments hold a place: too few are offered.")
        else:
            what = _("%(session)s says %(booked)d booked, and %(n)d appointments hold a place: too many are offered.")
        told = {"session": _name(session), "booked": session.booked, "n": session.counted}
        yield in_turn([what % told, COUNT_ANEW])


@check(gettext_noop("numbers"))
def numbers_are_ahead() -> Iterator[str]:
    """No number is given again: `last_number` is at least the largest one."""
    largest = Coalesce(Max("appointments__queue_number"), 0)
    for session in _sessions().annotate(largest=largest).filter(last_number__lt=F("largest")).iterator(CHUNK):
        what = _("%(session)s gave %(last)d as its last number, and %(largest)d is taken: the next booking would fail.")
        told = {"session": _name(session), "last": session.last_number, "largest": session.largest}
        yield in_turn([what % told, COUNT_ANEW])
    for ahead in _sessions().filter(current_number__gt=F("last_number")).iterator(CHUNK):
        yield _(
            "%(session)s serves number %(number)d, which it never gave: the board shows it. Call the next number at "
            "its desk."
        ) % {"session": _name(ahead), "number": ahead.current_number}


@check(gettext_noop("states"))
def states_do_not_contradict() -> Iterator[str]:
    """What cannot be true of one appointment at the same time."""
    been = [Status.CALLED, Status.DONE, Status.NO_SHOW]
    contradictions = {
        _("Appointment %(key)d is visible in a session that is hidden: restore the session, or hide it too."): Q(
            session__hidden_at__isnull=False
        ),
        _(
            "Appointment %(key)d was called, seen or missed on a day that has not come: undo that at the session's "
            "desk."
        ): Q(status__in=been, session__date__gt=timezone.localdate()),
        _("Appointment %(key)d is called, without a time: call it again at the session's desk."): Q(
            status=Status.CALLED, called_at=None
        ),
    }
    for what, condition in contradictions.items():
        rows = Appointment.objects.active().filter(condition).order_by("pk")
        for pk in rows.values_list("pk", flat=True).iterator(CHUNK):
            yield what % {"key": pk}


def _sessions() -> QuerySet[ClinicSession]:
    return ClinicSession.objects.order_by("pk")


def _name(session: ClinicSession) -> str:
    return _("Session %(slug)s (id %(key)d)") % {"slug": session.slug, "key": session.pk}
