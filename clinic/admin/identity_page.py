"""Who booked? What was given beside what is on file, and three answers."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from backoffice.access.people import StaffRequest
from backoffice.admin import ClinicalAdmin
from backoffice.admin.base.giving_back import given_back, initial_from, seen_on
from backoffice.models import AccessEvent
from backoffice.records.diffs import Words
from backoffice.records.fields import DayField, EmailField
from backoffice.records.numbers import number_in
from backoffice.records.relations import field_of
from backoffice.records.seen import SEEN
from backoffice.records.text import masked
from backoffice.web.admin_urls import admin_url
from clinic import booking
from clinic.admin.staff_forms import NationalIDField, PersonForm
from clinic.models import Appointment, Patient, PatientMerge
from clinic.patients import identity_conflicts
from clinic.patients.identity_conflicts import ConflictError
from clinic.patients.lookalikes import lookalikes

NAMED = 10  # records that look like one


class KnownPersonForm(forms.Form):
    """Another person, who has a record."""

    fields: dict[str, Any]

    patient = forms.ModelChoiceField(Patient.objects.none(), label=gettext_lazy("Their record"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["patient"].widget = AutocompleteSelect(Appointment._meta.get_field("patient"), admin.site)
        # A record that was merged away while the page was open stands for the one that was kept.
        merged = Patient.objects.filter(merged_into__in=PatientMerge.objects.standing()).order_by().values("pk")
        self.fields["patient"].queryset = Patient.objects.filter(Q(hidden_at=None) | Q(pk__in=merged))


class NewPersonForm(PersonForm):
    """Another person, who has none yet."""

    class Meta:
        model = Patient
        fields = ["full_name", "date_of_birth", "sex", "national_id", "phone", "email"]
        field_classes = {"national_id": NationalIDField, "date_of_birth": DayField, "email": EmailField}
        widgets = {"date_of_birth": forms.DateInput({"type": "date"}, "%Y-%m-%d")}
        help_texts = {"national_id": gettext_lazy("Their own. The one given with the booking stays with its owner.")}


class SettlesIdentities(ClinicalAdmin):
    """Mixin of the appointments' admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(never_cache(self.identity_view))
        return [path("<int:pk>/identity/", view, name="clinic_appointment_identity"), *super().get_urls()]

    def may_settle(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["clinic.change_appointment", "clinic.change_patient"])

    def page_links(self, request: HttpRequest, obj: Appointment) -> list[tuple[str, str]]:
        links = super().page_links(request, obj)
        if not obj.identity_conflict or obj.is_hidden or not self.may_settle(request):
            return links
        return [*links, (_("Check the identity"), identity_url(obj))]

    def identity_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """POST `answer` is `file`, `take` (with the `field`s), `known`, `new`, or `twice` (with the `record`'s key)."""
        appointment = self.get_object(request, str(pk))
        if not self.may_settle(request):
            raise PermissionDenied
        if appointment is None or appointment.is_hidden:
            raise Http404
        if appointment.patient.is_hidden:
            messages.warning(request, _("The patient’s record is hidden. Restore it first, then check the identity."))
            return redirect(change_url(appointment))
        if not appointment.identity_conflict:
            messages.info(request, identity_conflicts.settled_by(appointment))
            return redirect(change_url(appointment))
        known, new = self._forms(request, appointment)
        if request.method == "POST":
            try:
                if self._answer(request, appointment, known, new):
                    messages.success(request, _("The identity is settled."))
                    return redirect(change_url(appointment))
            except ConflictError as refusal:
                messages.error(request, str(refusal))
                appointment.refresh_from_db()  # with its patient, as they are now
                if not appointment.identity_conflict:
                    return redirect(change_url(appointment))
        return self._identity_page(request, appointment, known, new)

    def _forms(self, request: HttpRequest, appointment: Appointment) -> tuple[KnownPersonForm, NewPersonForm | None]:
        """Only the one whose button was pressed is bound."""
        answer = request.POST.get("answer")
        typed = initial_from(request)
        known = KnownPersonForm(request.POST if answer == "known" else None, initial=typed)
        if not request.user.has_perm("clinic.add_patient"):
            return known, None
        on_file = appointment.patient  # what does not differ from the file was given just so
        initial = {"date_of_birth": on_file.date_of_birth, "sex": on_file.sex, **appointment.claimed, **typed}
        return known, NewPersonForm(request.POST if answer == "new" else None, initial=initial)

    @transaction.atomic
    def _answer(
        self, request: StaffRequest, appointment: Appointment, known: KnownPersonForm, new: NewPersonForm | None
    ) -> bool:
        """Whether it was an answer that could be carried out. Raises ConflictError."""
        answer = request.POST.get("answer")
        decided: dict[str, Any] = {"by": request.user, "seen": request.POST.get(SEEN, "")}
        if answer == "file":
            identity_conflicts.file_is_right(appointment, **decided)
        elif answer == "take":
            identity_conflicts.take_over(appointment, request.POST.getlist("field"), **decided)
        elif answer == "twice" and (twin := self._twin(request, appointment)):
            identity_conflicts.on_file_twice(appointment, twin, **decided)
        elif answer == "known" and known.is_valid():
            identity_conflicts.another_person(appointment, known.cleaned_data["patient"], **decided)
        elif answer == "new" and new is not None and new.is_valid():
            identity_conflicts.another_person(appointment, new.save(commit=False), **decided)
        else:
            return False
        return True

    def _twin(self, request: HttpRequest, appointment: Appointment) -> Patient | None:
        if not request.user.has_perm("clinic.merge_patient"):
            raise PermissionDenied
        return twins_of(appointment).filter(pk=number_in(request.POST.get("record"))).first()

    def _identity_page(
        self, request: HttpRequest, appointment: Appointment, known: KnownPersonForm, new: NewPersonForm | None
    ) -> HttpResponse:
        twins = list(twins_of(appointment)[:NAMED])
        AccessEvent.objects.record(request, AccessEvent.Action.VIEW, appointment, appointment.patient, *twins)
        words = self._words(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Who booked this?"),
            "appointment": appointment,
            "differs": booking.is_to_check(appointment.claimed),
            "rows": claimed_rows(words, appointment, request.POST or given_back(request)),
            "seen": seen_on(request, identity_conflicts.version_of(appointment)),
            "twins": [(twin, masked(twin.national_id)) for twin in twins],
            "may_merge": request.user.has_perm("clinic.merge_patient"),
            "known": known,
            "new": new,
            "media": self.media + known.media,
        }
        return TemplateResponse(request, "clinic/admin_identity.html", context)


def twins_of(appointment: Appointment) -> QuerySet:
    """The records that may be the same person's as the visit's; none where it is not sure that the visit is theirs."""
    differs = booking.is_to_check(appointment.claimed)
    return Patient.objects.none() if differs else lookalikes(appointment.patient)


def claimed_rows(words: Words, appointment: Appointment, sent: QueryDict) -> list[dict]:
    """What was given and is not what the file says, both in words; all ticked, unless somebody chose from them."""
    ticked = sent.getlist("field") if sent.get("answer") == "take" else appointment.claimed
    rows = []
    for name, said in appointment.claimed.items():
        field = field_of(Patient, name)
        rows.append(
            {
                "name": name,
                "title": capfirst(field.verbose_name),
                "is_ticked": name in ticked,
                "given": words.say(field, field.to_python(said)),
                "on_file": words.say(field, getattr(appointment.patient, name)),
            }
        )
    return rows


def identity_url(appointment: Appointment) -> str:
    return admin_url(appointment, "identity", appointment.pk)


def change_url(appointment: Appointment) -> str:
    return admin_url(appointment, "change", appointment.pk)
