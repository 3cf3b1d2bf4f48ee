"""The survey, asked at the desk: with a booking that staff make, or afterwards on a page of its own."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from backoffice.access.people import StaffRequest
from backoffice.admin import ClinicalAdmin
from backoffice.models import AccessEvent, User
from backoffice.records.names import name_for
from backoffice.web.admin_urls import admin_url
from clinic import booking
from clinic.admin.desk import desk_url
from clinic.admin.staff_forms import AnswersForm
from clinic.models import Appointment
from clinic.survey_form import survey_fields, with_wordings


def may_ask(user: User | AnonymousUser) -> bool:
    """Whether this person writes down what a patient answers."""
    return user.has_perms(["clinic.change_appointment", "clinic.add_likertanswer", "clinic.add_numericanswer"])


class AsksSurvey(ClinicalAdmin):
    """Mixin of the appointments' admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(never_cache(self.answers_view))
        return [path("<int:pk>/survey/", view, name="clinic_appointment_answers"), *super().get_urls()]

    def get_form(
        self, request: HttpRequest, obj: Appointment | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        """A new booking carries the questions, folded below it."""
        if obj is None and may_ask(request.user):
            asked = with_wordings(survey_fields(for_staff=True))
            kwargs["form"] = type("WithSurvey", (kwargs.get("form", self.form),), asked)
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Appointment | None = None) -> list[Any]:
        fieldsets = [*super().get_fieldsets(request, obj)]
        asked = with_wordings(survey_fields(for_staff=True)) if obj is None and may_ask(request.user) else {}
        if not asked:
            return fieldsets
        return [*fieldsets, (_("Survey"), {"fields": list(asked), "classes": ["collapse"]})]

    def page_links(self, request: HttpRequest, obj: Appointment) -> list[tuple[str, str]]:
        links = super().page_links(request, obj)
        if obj.is_hidden or not may_ask(request.user) or not booking.has_open_questions(obj):
            return links
        return [*links, (_("Ask the survey"), admin_url(obj, "answers", obj.pk))]

    def answers_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """What the booking has not answered yet. `from=desk` leads back there."""
        appointment = self.get_object(request, str(pk))
        if not may_ask(request.user):
            raise PermissionDenied
        if appointment is None or appointment.is_hidden:
            raise Http404
        form = AnswersForm(request.POST or None, appointment=appointment)
        is_from_desk = request.GET.get("from") == "desk"
        back = desk_url(appointment.session) if is_from_desk else admin_url(appointment, "change", pk)
        if request.method == "POST" and form.is_valid():
            try:
                booking.answer(appointment, likert=form.likert, numeric=form.numeric, by=request.user)
            except booking.BookingError as refusal:
                form = AnswersForm(request.POST, appointment=appointment)  # asks no more what somebody else has asked
                form.add_error(None, str(refusal))
            else:
                n = len(form.likert) + len(form.numeric)
                messages.success(request, ngettext("%d answer is kept.", "%d answers are kept.", n) % n)
                return redirect(back)
        AccessEvent.objects.record(request, AccessEvent.Action.VIEW, appointment)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Survey"),
            "record": name_for(appointment, request.user),
            "change_url": admin_url(appointment, "change", pk),
            "form": form,
            "back": back,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "clinic/admin_answers.html", context)
