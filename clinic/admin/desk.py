"""One session as the front desk sees it: who is called, who is here, who is still expected, who has been; and what
each button of its page does."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.db.models import Count, Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.lazy import LazyText
from backoffice.models import User
from backoffice.records.numbers import number_in
from backoffice.web.admin_urls import admin_url
from clinic import booking
from clinic.models import Appointment, ClinicSession

Status = Appointment.Status


def desk_url(session: ClinicSession) -> str:
    return admin_url(session, "desk", session.pk)


def answers_url(appointment: Appointment) -> str:
    """The survey's page, which leads back to the desk."""
    return f"{admin_url(appointment, 'answers', appointment.pk)}?from=desk"


@dataclass
class Desk:
    session: ClinicSession
    version: str
    called: list[Appointment] = field(default_factory=list)
    here: list[Appointment] = field(default_factory=list)
    expected: list[Appointment] = field(default_factory=list)
    done: list[Appointment] = field(default_factory=list)
    missed: list[Appointment] = field(default_factory=list)

    @property
    def is_today(self) -> bool:
        """On another day nobody is checked in or called."""
        return self.session.date == timezone.localdate()

    @property
    def is_over(self) -> bool:
        return self.session.date < timezone.localdate()

    @property
    def next(self) -> Appointment | None:
        return self.here[0] if self.here else None


def desk_of(session: ClinicSession) -> Desk:
    """Two queries. The version is read first: what changes between them shows at the next look."""
    desk = Desk(session, version_of(session))
    lists: dict[str, list[Appointment]] = {
        Status.CALLED: desk.called,
        Status.CHECKED_IN: desk.here,
        Status.BOOKED: desk.expected,
        Status.DONE: desk.done,
        Status.NO_SHOW: desk.missed,
    }
    people = session.appointments.active().with_open_questions().select_related("patient")
    for appointment in people.order_by("queue_number"):
        lists[appointment.status].append(appointment)
    desk.called.sort(key=lambda appointment: appointment.queue_number != session.current_number)
    return desk


def version_of(session: ClinicSession) -> str:
    """Another text whenever anything that the desk shows has changed."""
    seen = session.appointments.visible().aggregate(
        people=Count("pk"),
        visits=Max("updated_at"),
        patients=Max("patient__updated_at"),
        hidden=Max("patient__hidden_at"),
    )
    changes = [session.updated_at, seen["visits"], seen["patients"], seen["hidden"]]
    return "-".join(f"{change:%y%m%d%H%M%S%f}" for change in changes if change) + f"-{seen['people']}"


# -- The buttons ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """What a button does to one person, and what is said when it is done."""

    take: Callable
    said: LazyText


def call_named(appointment: Appointment, *, by: User) -> Appointment:
    """Call whom the button named. Where another desk was first, call the next; pressed twice, it calls nobody."""
    try:
        booking.call(appointment, by=by)
    except booking.WrongStatus:
        pressed_twice = appointment.history.latest().history_user == by
        following = None if pressed_twice else booking.call_next(appointment.session, by=by)
        if following is None:
            raise
        return following
    return appointment


def recall(appointment: Appointment, *, by: User) -> None:
    booking.recall(appointment.session, by=by, appointment=appointment)


def skip(appointment: Appointment, *, by: User) -> None:
    booking.skip(appointment.session, by=by, appointment=appointment)


STEPS = {
    "check_in": Step(booking.check_in, gettext_lazy("Number %(number)s is here.")),
    "call_next": Step(call_named, gettext_lazy("Number %(number)s is called.")),
    "call": Step(booking.call, gettext_lazy("Number %(number)s is called.")),
    "recall": Step(recall, gettext_lazy("Number %(number)s is called again.")),
    "skip": Step(skip, gettext_lazy("Number %(number)s was not here, and may still come.")),
    "done": Step(booking.mark_done, gettext_lazy("Number %(number)s is done.")),
    "no_show": Step(booking.mark_no_show, gettext_lazy("Number %(number)s did not come.")),
    "undo": Step(booking.step_back, gettext_lazy("Undone: number %(number)s is “%(status)s” again.")),
}


def press(button: str, session: ClinicSession, *, by: User) -> tuple[Appointment, str]:
    """Take the step of a button, `<step>:<appointment>:<status that the page showed>`.

    Returns whom it touched and what to say. Raises BookingError, also where the page was older than what somebody
    else has done since.
    """
    name, key, seen = [*button.split(":"), "", ""][:3]
    step = STEPS.get(name)
    here = session.appointments.visible().select_related("session", "patient")
    appointment = here.filter(pk=number_in(key) or 0).first()
    if step is None or appointment is None:
        raise booking.BookingError(_("This booking is no longer in this session."))
    if appointment.status != seen and step.take is not call_named:  # two desks may see the same next number
        raise booking.WrongStatus(appointment)
    touched = step.take(appointment, by=by) or appointment
    return touched, step.said % {"number": touched.queue_number, "status": touched.get_status_display()}
