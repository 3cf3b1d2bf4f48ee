"""What hiding a record of the clinic does beside hiding it, and what has to be done first."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from backoffice.access.people import StaffRequest
from backoffice.admin import HideableAdmin
from backoffice.admin.base.hiding import HideForm
from backoffice.formats.lists import in_turn, told_of
from backoffice.records.mixins import HideableQuerySet
from backoffice.records.names import NAMED, named
from clinic import booking
from clinic.hours.losses import losses_by
from clinic.models import Appointment, ClinicSession
from clinic.models.appointments import AppointmentQuerySet
from clinic.models.schedule import refuse_overlap


class HideVisitsForm(HideForm):
    cancel_visits = forms.BooleanField(
        label=gettext_lazy("Cancel what is still to come, and write to the patient"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Otherwise these bookings keep their places and are called as usual."),
    )


class HidesPatients(HideableAdmin):
    """A hidden patient's bookings are still there: whoever hides is told of those to come, and may cancel them."""

    def what_hiding_does(self, request: HttpRequest, queryset: HideableQuerySet) -> list[str]:
        visits = visits_to_come(queryset)
        return [_("Still to come: %(visits)s.") % {"visits": named(visits)}] if visits.exists() else []

    def hide_form_for(self, request: HttpRequest, queryset: HideableQuerySet) -> type[HideForm]:
        return HideVisitsForm if visits_to_come(queryset).exists() else HideForm

    @transaction.atomic
    def hide_rows(
        self,
        request: StaffRequest,
        queryset: HideableQuerySet,
        *,
        reason: str,
        cancel_visits: bool = False,
        **asked: Any,
    ) -> int:
        cancelled = 0
        for visit in visits_to_come(queryset) if cancel_visits else ():
            try:
                booking.cancel(visit, by=request.user, reason=reason)
                cancelled += 1
            except booking.BookingError as refusal:
                messages.warning(request, told_of(visit, refusal))
        if cancelled:
            told = ngettext("%d booking is cancelled.", "%d bookings are cancelled.", cancelled)
            messages.success(request, told % cancelled)
        return super().hide_rows(request, queryset, reason=reason)


def visits_to_come(patients: QuerySet) -> AppointmentQuerySet:
    return (
        Appointment.objects.visible()
        .still_to_come()
        .filter(patient__in=patients.order_by().values("pk"), session__date__gte=timezone.localdate())
        .select_related("patient", "session")
        .order_by("pk")
    )


class HidesAppointments(HideableAdmin):
    def what_hiding_does(self, request: HttpRequest, queryset: AppointmentQuerySet) -> list[str]:
        places = queryset.active().count()
        if not places:
            return []
        told = ngettext("%d place is given back.", "%d places are given back.", places) % places
        return [in_turn([told, _("Nobody is told: to write to the patient, cancel instead.")])]


def overlaps(queryset: HideableQuerySet, day: str) -> list[str]:
    """Which of these hidden rows would share an hour of their `day` with another, were they all restored."""
    rows = queryset.model.objects.filter(Q(hidden_at=None) | Q(pk__in=queryset.order_by().values("pk")), is_open=True)
    told = []
    for row in queryset.hidden():
        try:
            refuse_overlap(row, rows.filter(**{day: getattr(row, day)}))
        except ValidationError as error:
            told += [told_of(row, message) for message in error.messages]
    return told


class HidesSessions(HideableAdmin):
    """A visit cannot be seen in a session that is not there."""

    def why_not_restore(self, request: HttpRequest, queryset: HideableQuerySet) -> list[str]:
        return overlaps(queryset, "date")

    def why_not_hide(self, request: HttpRequest, queryset: HideableQuerySet) -> list[str]:
        held = queryset.annotate(visits=Count("appointments", Q(appointments__hidden_at=None)))
        return [
            ngettext(
                "%(session)s has %(n)d appointment: move it or hide it first.",
                "%(session)s has %(n)d appointments: move or hide them first.",
                session.visits,
            )
            % {"session": session, "n": session.visits}
            for session in held.filter(visits__gt=0)[:NAMED]
        ]


class HidesHours(HideableAdmin):
    def why_not_restore(self, request: HttpRequest, queryset: HideableQuerySet) -> list[str]:
        return overlaps(queryset, "weekday")

    def what_hiding_does(self, request: HttpRequest, queryset: HideableQuerySet) -> list[str]:
        people: dict[ClinicSession, int] = {}
        for row in queryset:
            row.is_open = False
            people |= {loss.session: len(loss.people) for loss in losses_by(row)}
        told = [
            ngettext(
                "%(session)s: %(n)d booked person would have no hours.",
                "%(session)s: %(n)d booked people would have no hours.",
                n,
            )
            % {"session": session, "n": n}
            for session, n in people.items()
        ]
        if told:
            return [*told, _("The next page asks what becomes of each of them.")]
        return [_("Nothing more can be booked in these hours; nobody is booked in them.")]


class HidesClosures(HideableAdmin):
    def what_hiding_does(self, request: HttpRequest, queryset: HideableQuerySet) -> list[str]:
        return [_("These days can be booked again, where the opening hours offer them.")]


class HidesQuestions(HideableAdmin):
    def what_hiding_does(self, request: HttpRequest, queryset: HideableQuerySet) -> list[str]:
        return [_("It is asked no more. The answers that were given stay on their visits.")]


class HidesSymptoms(HideableAdmin):
    def what_hiding_does(self, request: HttpRequest, queryset: HideableQuerySet) -> list[str]:
        return [_("It is offered no more. Visits that have it keep it.")]
