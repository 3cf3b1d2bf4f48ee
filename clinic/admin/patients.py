from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from backoffice.admin import ClinicalAdmin, FastListAdmin
from backoffice.admin.base.inlines import FirstRows
from backoffice.live.chips import Tone, chip
from backoffice.records.mixins import hideable
from backoffice.records.search import Exact, Text
from backoffice.web.admin_urls import admin_url
from clinic.admin.chips import status_chip
from clinic.admin.hiding import HidesPatients
from clinic.admin.merge_page import MergesPatients
from clinic.admin.national_id import RevealsNationalID
from clinic.admin.staff_forms import PatientForm
from clinic.identity import normalise_national_id
from clinic.models import Appointment, Patient, may_name_hidden
from clinic.phones import ASKED_FOR, phone_key
from clinic.resources import PatientResource
from clinic.spelling import one_spelling


class AppointmentInline(admin.TabularInline):
    """The patient's visits, to read and to open."""

    model = Appointment
    formset = FirstRows
    template = "clinic/visits_of_patient.html"
    fields = ["visit", "queue_number", "state", "notes"]
    readonly_fields = ["visit", "queue_number", "state", "notes"]
    ordering = ["-session__date", "-session__opens_at"]
    can_delete = False
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return hideable(super().get_queryset(request)).visible().select_related("session")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # a place is taken by booking it, on the appointment's own page

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description=_("visit"))
    def visit(self, appointment: Appointment) -> SafeString:
        url = admin_url(appointment, "change", appointment.pk)
        return format_html('<a href="{}">{}</a>', url, appointment.session)

    @admin.display(description=_("status"))
    def state(self, appointment: Appointment) -> SafeString:
        to_check = chip(_("identity to check"), Tone.WAIT) if appointment.identity_conflict else ""
        return format_html("{} {}", status_chip(appointment), to_check)


class FoundByPatient(FastListAdmin):
    """The admin of what is searched by its patient: a hidden one's name finds nothing where it is not read either."""

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if request and search_term.strip() and not may_name_hidden(request.user):
            found = found.exclude(patient__in=Patient.objects.hidden().order_by().values("pk"))
        return found, may_repeat


@admin.register(Patient)
class PatientAdmin(RevealsNationalID, MergesPatients, HidesPatients, ClinicalAdmin):
    form = PatientForm
    fields = [*PatientForm.Meta.fields]  # else each page makes the form a second time, to see what is in it
    resource_class = PatientResource
    inlines = [AppointmentInline]
    actions = [*MergesPatients.actions, *ClinicalAdmin.actions]
    list_display = ["full_name", "masked_national_id", "date_of_birth", "age", "sex", "phone"]
    list_filter = ["sex"]
    empty_text = _("Nobody is on file yet. Whoever books on the public page is added by it.")
    search = {
        "full_name": Text(shape=r".*[^\d+() ./-].*", normalise=one_spelling),
        "national_id": Exact(shape=r"[A-Z0-9]{4,20}", normalise=normalise_national_id),
        "phone_key": Text(shape=ASKED_FOR, normalise=phone_key),
        "email": Text(shape=r"[!-~]{3,}"),
    }
    search_help_text = _("Name, phone or e-mail, or the whole national ID")
    sortable_by = ["full_name", "date_of_birth", "age"]
    masked_fields = ["national_id"]

    def as_choice(self, patient: Patient) -> str:
        """Two people may have one name."""
        return f"{patient} · {date_format(patient.date_of_birth)}"

    @admin.display(description=_("age"), ordering="-date_of_birth")
    def age(self, patient: Patient) -> int:
        return patient.age
