"""What the day's summary says of bookings and visits."""

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from backoffice.formats.kept import gettext as _
from backoffice.jobs.summary import Day, Figure, section
from backoffice.web.admin_urls import admin_url
from clinic.models import Appointment

Status = Appointment.Status


@section(gettext_noop("Bookings and visits"), order=10)
def bookings_and_visits(day: Day) -> Iterator[Figure]:
    """Booked on that day; and of those whose visit was on it, what became of them."""
    visits = Appointment.objects.visible().filter(session__date=day.date).order_by()
    url = admin_url(Appointment, "changelist")
    yield Figure(
        _("booked on this day"),
        Appointment.objects.visible().filter(**day.within("created_at")).count(),
        f"{url}?{day.in_a_list(by='booked')}",
    )
    for name, status in (
        (_("visits"), Status.DONE),
        (_("did not come"), Status.NO_SHOW),
        (_("cancelled"), Status.CANCELLED),
    ):
        n = visits.filter(status=status).count()
        yield Figure(name, n, f"{url}?{day.in_a_list()}&status__exact={status}")
    left = visits.filter(status__in=Appointment.STILL_TO_COME).count()
    to_come = ",".join(Appointment.STILL_TO_COME)
    yield Figure(
        _("left open"), left, f"{url}?{day.in_a_list()}&status__in={to_come}", is_bad=bool(left) and day.is_over
    )
