"""A patient's own booking, behind a link that nobody can guess: see, move, cancel, keep in a calendar."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRefresh

from backoffice.web.requests import Request
from clinic import booking
from clinic.hours.availability import offered_days
from clinic.models import Appointment, ClinicSession
from clinic.public import invitation, live
from clinic.public.forms import TimeForm
from clinic.public.limits import may_move
from clinic.public.queue_position import turn


def of_reference(view: Callable) -> Callable:
    """Hands the view its appointment. An unknown reference and a hidden appointment answer alike."""

    @wraps(view)
    @never_cache
    def found(request: Request, reference: str) -> HttpResponse:
        appointments = Appointment.objects.visible().select_related("session", "patient")
        appointment = appointments.filter(reference=reference).first()
        if appointment is None:
            response = render(request, "clinic/gone.html", status=404)
        else:
            response = view(request, appointment)
        # The address is the key: it is told to our own pages at most. (`no-referrer` would also make the browser
        # send `Origin: null`, which Django's CSRF check refuses.)
        response["Referrer-Policy"] = "same-origin"
        response["X-Robots-Tag"] = "noindex"
        return response

    return found


@require_safe
@of_reference
def see(request: Request, appointment: Appointment) -> HttpResponse:
    standing = turn(appointment)
    if request.htmx and standing is None:
        return HttpResponseClientRefresh()  # nothing to wait for any more: the page says what has become of it
    if request.htmx and standing is not None:
        return live.fragment(request, "clinic/_turn.html", {"turn": standing}, standing.stamp)
    context = {"appointment": appointment, "turn": standing, "can_change": booking.public_may_change(appointment)}
    return render(request, "clinic/booking.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_reference
def cancel(request: Request, appointment: Appointment) -> HttpResponse:
    if request.method == "POST":
        try:
            booking.cancel(appointment, by=None, reason=gettext_noop("Cancelled by the patient"))
        except booking.BookingError as error:
            messages.warning(request, str(error))
        return redirect("clinic:booking", appointment.reference)
    if not booking.public_may_change(appointment):
        return redirect("clinic:booking", appointment.reference)
    return render(request, "clinic/cancel.html", {"appointment": appointment})


@require_http_methods(["GET", "HEAD", "POST"])
@of_reference
def move(request: Request, appointment: Appointment) -> HttpResponse:
    if not booking.public_may_change(appointment):
        return redirect("clinic:booking", appointment.reference)
    days = offered_days(leave_out=appointment.session)
    if request.htmx:
        return live.times_fragment(request, days)
    form = TimeForm(request.POST or None, days=days)
    if request.method == "POST" and form.is_valid():
        if not may_move(request, appointment):
            messages.warning(request, _("This booking was moved often. Please try again in an hour, or call us."))
            return redirect("clinic:booking", appointment.reference)
        try:
            wanted = ClinicSession.parse(form.cleaned_data["session"])
            session = booking.session_to_book(wanted.date, wanted.period)
            booking.move(appointment, session, by=None)
        except booking.BookingError as error:
            messages.warning(request, str(error))
            return redirect("clinic:move", appointment.reference)
        messages.success(
            request, _("Your booking is moved. Your new number is %(number)s.") % {"number": appointment.queue_number}
        )
        return redirect("clinic:booking", appointment.reference)
    context = {**live.times(days, chosen=form["session"].value()), "appointment": appointment, "form": form}
    return render(request, "clinic/move.html", context)


@require_safe
@of_reference
def calendar(request: Request, appointment: Appointment) -> HttpResponse:
    response = HttpResponse(invitation.for_calendar(appointment), content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="booking.ics"'
    return response
