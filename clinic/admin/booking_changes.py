"""What the front desk does with bookings when somebody rings: move, cancel, take that back, send a lost link."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from backoffice.access.people import StaffRequest
from backoffice.admin import ClinicalAdmin
from backoffice.admin.base.giving_back import initial_from, seen_on
from backoffice.admin.base.hiding import sent_along
from backoffice.formats.lists import in_turn
from backoffice.records.fields import LineField
from backoffice.records.mixins import REASON_LENGTH
from backoffice.records.names import name_for
from backoffice.records.seen import SEEN, last_to_change, version_of
from backoffice.web.admin_urls import admin_url
from clinic import booking, mails
from clinic.admin.staff_forms import TimeField, slot_choices
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
    fields: dict[str, Any]

    session = TimeField(label=gettext_lazy("New time"))

    def __init__(self, *args: Any, appointment: Appointment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["session"].choices = slot_choices(leave_out=appointment.session)


def as_shown(rows: Iterable[Appointment]) -> str:
    """Another text where one of these bookings is at another time, or has come further."""
    return version_of(sorted((row.pk, row.session_id, row.status) for row in rows))


class ChangesBookings(ClinicalAdmin):
    """Mixin of the appointments' admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [path("<int:pk>/move/", view(self.move_view), name="clinic_appointment_move"), *super().get_urls()]

    def page_links(self, request: HttpRequest, obj: Appointment) -> list[tuple[str, str]]:
        links = super().page_links(request, obj)
        if obj.status in Appointment.STILL_TO_COME and self.has_change_permission(request, obj):
            links = [*links, (_("Move to another time"), admin_url(obj, "move", obj.pk))]
        return links

    def move_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """Choose another time for one booking; the patient is written to."""
        appointment = self.get_object(request, str(pk))
        if not self.has_change_permission(request, appointment):
            raise PermissionDenied
        if appointment is None:
            raise Http404
        form = MoveForm(request.POST or None, initial=initial_from(request), appointment=appointment)
        if request.method == "POST" and form.is_valid():
            try:
                appointment = self._move(request, pk, ClinicSession.parse(form.cleaned_data["session"]))
            except booking.BookingError as refusal:
                form.add_error("session", refusal.for_staff(request.user))
            else:
                told = {"session": appointment.session, "number": appointment.queue_number}
                messages.success(request, _("Moved to %(session)s, number %(number)s.") % told)
                return redirect("admin:clinic_appointment_change", pk)
            appointment.refresh_from_db()
        what = {"title": _("Move to another time"), "button": _("Move"), "rows": self._named(request, [appointment])}
        return self._booking_page(request, form, seen=seen_on(request, as_shown([appointment])), **what)

    @transaction.atomic
    def _move(self, request: StaffRequest, pk: int, wanted: ClinicSession) -> Appointment:
        """Raises BookingError."""
        [appointment] = self._as_seen(request, Appointment.objects.filter(pk=pk))
        booking.move(appointment, booking.session_to_book(wanted.date, wanted.period), by=request.user)
        return appointment

    def _as_seen(self, request: HttpRequest, chosen: QuerySet[Appointment]) -> list[Appointment]:
        """These bookings, locked. Raises BookingError where one is not as the page showed it."""
        rows = list(chosen.order_by("pk").select_for_update(of=("self",), no_key=True))
        if request.POST.get(SEEN) not in (None, "", as_shown(rows)):
            told = ngettext(
                "%(who)s has changed this booking since you looked. Look once more.",
                "%(who)s has changed one of these bookings since you looked. Look once more.",
                len(rows),
            )
            raise booking.BookingError(told % {"who": last_to_change(Appointment, [row.pk for row in rows])})
        return rows

    @admin.action(description=gettext_lazy("Cancel"), permissions=["change"])
    def cancel(self, request: StaffRequest, queryset: QuerySet) -> HttpResponse | None:
        """Asks first, with the names; with `confirm` it is done."""
        chosen = queryset.select_related("patient", "session").order_by("session_id", "queue_number")
        form = CancelForm(request.POST if "confirm" in request.POST else None, initial=initial_from(request))
        cancelled = form.is_valid() and self._cancel(request, form, queryset)
        if not cancelled:
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
                seen=seen_on(request, as_shown(chosen)),
                back=request.get_full_path(),
            )
        return None

    @transaction.atomic
    def _cancel(self, request: StaffRequest, form: CancelForm, chosen: QuerySet[Appointment]) -> bool:
        """Whether they were as the page showed them: then each that can be is cancelled."""
        try:
            self._as_seen(request, chosen)
        except booking.BookingError as refusal:
            form.add_error(None, str(refusal))
            return False
        reason = form.cleaned_data["reason"]
        n = self._each(request, chosen, lambda one, by: booking.cancel(one, by=by, reason=reason))
        told = ngettext("%d appointment is cancelled.", "%d appointments are cancelled.", n)
        self._tell(request, n, in_turn([told, _("“Take the cancellation back” in the list undoes it.")]))
        return True

    @admin.action(description=gettext_lazy("Take the cancellation back"), permissions=["change"])
    def reinstate(self, request: StaffRequest, queryset: QuerySet) -> None:
        n = self._each(request, queryset, booking.reinstate)
        self._tell(request, n, ngettext("%d booking stands again.", "%d bookings stand again.", n))

    @admin.action(description=gettext_lazy("Send the private link again"), permissions=["change"])
    def send_link(self, request: HttpRequest, queryset: QuerySet) -> None:
        """By mail, to the address on file or given with the booking: the link is a key, and shown to nobody here."""
        sent = 0
        for appointment in queryset.select_related("patient", "session"):
            if mails.address_of(appointment) and mails.write("booked", appointment):
                sent += 1
            else:
                why = _("%(patient)s: there is no address to send it to, or the time is over.")
                messages.warning(request, why % {"patient": name_for(appointment.patient, request.user)})
        self._tell(request, sent, ngettext("%d link is on its way.", "%d links are on their way.", sent))

    def _named(self, request: HttpRequest, rows: Iterable[Appointment]) -> list[str]:
        return [f"{name_for(row.patient, request.user)} · {row.session} · {row.queue_number}" for row in rows]

    def _booking_page(self, request: HttpRequest, form: forms.Form, **context: object) -> TemplateResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "form": form, "media": self.media}
        return TemplateResponse(request, "clinic/admin_booking_change.html", shared | context)
