"""The running session, for the front desk: one press each, live."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect, RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from backoffice.access.people import StaffRequest
from backoffice.live.unless_seen import unless_seen
from backoffice.models import AccessEvent
from clinic import booking
from clinic.admin.answers_page import may_ask
from clinic.admin.desk import answers_url, desk_of, desk_url, press, version_of
from clinic.models import Appointment, ClinicSession, Patient


class WalkIn(forms.Form):
    """Somebody who stands at the desk without a booking."""

    fields: dict[str, Any]

    patient = forms.ModelChoiceField(Patient.objects.none(), label=gettext_lazy("Patient"))
    overbook = forms.BooleanField(label=gettext_lazy("beyond capacity"), required=False)

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        relation = Appointment._meta.get_field("patient")
        self.fields["patient"].widget = RelatedFieldWidgetWrapper(
            AutocompleteSelect(relation, admin.site),
            relation.remote_field,
            admin.site,
            can_add_related=admin.site.get_model_admin(Patient).has_add_permission(request),
        )
        self.fields["patient"].queryset = Patient.objects.visible()  # set last: the widget takes its choices from it


class DeskPage(admin.ModelAdmin):
    """The desk's pages, mixed into the admin of sessions."""

    def get_urls(self) -> list[URLPattern]:
        return [
            path("<int:pk>/desk/", self._guarded(self.desk_view), name="clinic_clinicsession_desk"),
            path("<int:pk>/desk/walk-in/", self._guarded(self.walk_in_view), name="clinic_clinicsession_walk_in"),
            *super().get_urls(),
        ]

    def may_open_desk(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["clinic.change_clinicsession", "clinic.change_appointment"])

    def _guarded(self, view: Callable) -> Callable:
        def for_the_desk(request: HttpRequest, pk: int) -> HttpResponse:
            if not self.may_open_desk(request):
                raise PermissionDenied
            session = ClinicSession.objects.visible().filter(pk=pk).first()
            if session is None:
                raise Http404
            return view(request, session)

        return self.admin_site.admin_view(never_cache(for_the_desk))

    def desk_view(self, request: StaffRequest, session: ClinicSession) -> HttpResponse:
        """GET shows the session; asked by htmx with the version `seen`, 204 where nothing has changed since.

        POST `do=<step>:<appointment>:<status that the button saw>` takes one step.
        """
        if request.method == "POST":
            return self._press(request, session)
        if not request.htmx:
            return self._page(request, session, WalkIn(request=request))
        return unless_seen(request, version_of(session), lambda: self._live(request, session))

    def _press(self, request: StaffRequest, session: ClinicSession) -> HttpResponse:
        appointment, said, is_refused = None, "", False
        try:
            appointment, said = press(request.POST.get("do", ""), session, by=request.user)
        except booking.BookingError as refusal:
            said, is_refused = refusal.for_staff(request.user), True
        if request.htmx:
            session.refresh_from_db()
            return self._live(request, session, said=said, is_refused=is_refused, touched=appointment)
        messages.add_message(request, messages.ERROR if is_refused else messages.SUCCESS, said)
        return redirect(desk_url(session))

    def walk_in_view(self, request: StaffRequest, session: ClinicSession) -> HttpResponse:
        """Book whoever stands at the desk, and check them in."""
        if not request.user.has_perm("clinic.add_appointment"):
            raise PermissionDenied
        if request.method != "POST":
            return redirect(desk_url(session))
        form = WalkIn(request.POST, request=request)
        if form.is_valid():
            try:
                appointment = booking.walk_in(session, by=request.user, **form.cleaned_data)
            except booking.BookingError as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, self._welcome(request, appointment))
                return redirect(desk_url(session))
        return self._page(request, session, form)

    def _welcome(self, request: HttpRequest, appointment: Appointment) -> str:
        """That they are here; and the way to the survey, for when there is time."""
        told = {"patient": appointment.patient, "number": appointment.queue_number}
        said = _("%(patient)s has number %(number)s and is here.") % told
        if not (may_ask(request.user) and booking.has_open_questions(appointment)):
            return said
        return format_html('{} <a href="{}">{}</a>', said, answers_url(appointment), _("Ask the survey"))

    # -- Rendering ----------------------------------------------------------------------------------------------------

    def _live(self, request: HttpRequest, session: ClinicSession, **context: object) -> HttpResponse:
        shown = {"desk": desk_of(session), "may_ask": may_ask(request.user)}
        return render(request, "clinic/_desk.html", shown | context)

    def _page(self, request: HttpRequest, session: ClinicSession, walk_in: WalkIn) -> HttpResponse:
        AccessEvent.objects.record(request, AccessEvent.Action.VIEW, session)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": session,
            "desk": desk_of(session),
            "may_ask": may_ask(request.user),
            "that_day": ClinicSession.objects.visible().filter(date=session.date).order_by("opens_at"),
            "walk_in": walk_in,
            "media": self.media + walk_in.media,
        }
        return render(request, "clinic/admin_desk.html", context)
