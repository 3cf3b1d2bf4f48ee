"""What the front desk does with bookings when somebody rings: move, cancel, take that back, send a lost link."""

from collections.abc import Iterable

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from backoffice.admin.base.giving_back import initial_from
from backoffice.admin.base.hiding import sent_along
from backoffice.records.fields import LineField
from backoffice.records.mixins import REASON_LENGTH
from backoffice.records.names import name_for
from clinic import booking, mails
from clinic.admin.staff_forms import slot_choices
from clinic.models import Appointment, ClinicSession

NAMED = 20  # bookings that the page names one by one


class CancelForm(forms.Form):
    reason = LineField(
        label=gettext_lazy("Reason"),
        max_length=REASON_LENGTH,
        required=False,
        help_text=gettext_lazy("For the history."),
    )


class MoveForm(forms.Form):
    session = forms.ChoiceField(label=gettext_lazy("New time"))

    def __init__(self, *args, appointment: Appointment, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["session"].choices = slot_choices(leave_out=appointment.session)


class ChangesBookings:
    """Mixin of the appointments' admin."""

    def get_urls(self):
        view = self.admin_site.admin_view
        return [path("<int:pk>/move/", view(self.move_view), name="clinic_appointment_move"), *super().get_urls()]

    def page_links(self, request, obj):
        links = super().page_links(request, obj)
        if obj.status in booking.STILL_TO_COME and self.has_change_permission(request, obj):
            links = [*links, (_("Move to another time"), reverse("admin:clinic_appointment_move", args=[obj.pk]))]
        return links

    def move_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Choose another time for one booking; the patient is written to."""
        appointment = self.get_object(request, str(pk))
        if not self.has_change_permission(request, appointment):
            raise PermissionDenied
        if appointment is None:
            raise Http404
        form = MoveForm(request.POST or None, initial=initial_from(request), appointment=appointment)
        if request.method == "POST" and form.is_valid():
            wanted = ClinicSession.parse(form.cleaned_data["session"])
            try:
                booking.move(appointment, booking.session_to_book(wanted.date, wanted.period), by=request.user)
            except booking.BookingError as refusal:
                form.add_error("session", str(refusal))
            else:
                told = {"session": appointment.session, "number": appointment.queue_number}
                messages.success(request, _("Moved to %(session)s, number %(number)s.") % told)
                return redirect("admin:clinic_appointment_change", pk)
        what = {"title": _("Move to another time"), "button": _("Move"), "rows": self._named(request, [appointment])}
        return self._booking_page(request, form, **what)

    @admin.action(description=gettext_lazy("Cancel"), permissions=["change"])
    def cancel(self, request, queryset):
        """Asks first, with the names; with `confirm` it is done."""
        chosen = queryset.select_related("patient", "session").order_by("session_id", "queue_number")
        form = CancelForm(request.POST if "confirm" in request.POST else None, initial=initial_from(request))
        if not form.is_valid():
            n = chosen.count()
            return self._booking_page(
                request,
                form,
                title=ngettext("Cancel %d booking?", "Cancel %d bookings?", n) % n,
                explanation=_("Each place is free for somebody else at once, and who gave an address is written to."),
                button=ngettext("Cancel it", "Cancel them", n),
                rows=self._named(request, chosen[:NAMED]),
                more=max(0, n - NAMED),
                sent_along=sent_along(request),
                back=request.get_full_path(),
            )
        reason = form.cleaned_data["reason"]
        n = self._each(request, queryset, lambda one, by: booking.cancel(one, by=by, reason=reason))
        told = ngettext("%d appointment is cancelled.", "%d appointments are cancelled.", n)
        self._tell(request, n, f"{told} {_('“Take the cancellation back” in the list undoes it.')}")
        return None

    @admin.action(description=gettext_lazy("Take the cancellation back"), permissions=["change"])
    def reinstate(self, request, queryset):
        n = self._each(request, queryset, booking.reinstate)
        self._tell(request, n, ngettext("%d booking stands again.", "%d bookings stand again.", n))

    @admin.action(description=gettext_lazy("Send the private link again"), permissions=["change"])
    def send_link(self, request, queryset):
        """By mail, to the address on file or given with the booking: the link is a key, and shown to nobody here."""
        sent = 0
        for appointment in queryset.select_related("patient", "session"):
            if mails.address_of(appointment) and mails.write("booked", appointment):
                sent += 1
            else:
                why = _("%(patient)s: there is no address to send it to, or the time is over.")
                messages.warning(request, why % {"patient": name_for(appointment.patient, request.user)})
        self._tell(request, sent, ngettext("%d link is on its way.", "%d links are on their way.", sent))

    def _named(self, request, rows: Iterable[Appointment]) -> list[str]:
        return [f"{name_for(row.patient, request.user)} · {row.session} · {row.queue_number}" for row in rows]

    def _booking_page(self, request, form: forms.Form, **context) -> TemplateResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "form": form, "media": self.media}
        return TemplateResponse(request, "clinic/admin_booking_change.html", shared | context)
