import re
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db.models import Field, Model, Q, QuerySet
from django.forms import Script
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from backoffice.admin import ClinicalAdmin
from backoffice.admin.base.filters import DayRangeFilter
from backoffice.admin.base.giving_back import initial_from
from backoffice.admin.base.inlines import FirstRows
from backoffice.formats.lists import in_turn, listed, told_of
from backoffice.lazy import LazyText
from backoffice.live.chips import Tone, chip
from backoffice.models.users import person_of
from backoffice.records.diffs import words_for
from backoffice.records.mixins import hideable
from backoffice.records.names import name_for
from backoffice.records.paging import LISTED
from backoffice.records.relations import field_of
from backoffice.records.search import Exact, through, tidy
from backoffice.records.text import masked
from backoffice.web.admin_urls import admin_url
from backoffice.web.bodies import declared_length
from clinic.admin import PatientAdmin
from clinic.models import Patient
from imaging import settling, twins, whose
from imaging.forms import UploadForm, XRayForm
from imaging.models import XRayImage
from imaging.neighbours import FilmNeighbours
from imaging.quality import ADVICE, QualityIssue
from imaging.resources import XRayResource
from imaging.storing import Receipt, receive
from imaging.taking import TakesFilesOneByOne, take_in
from imaging.views import PrivateFiles
from imaging.whose_page import SettlesWhose

NUMBER_IN_A_FILE = re.compile(r"(?=.*\d)[!-~]{1,64}( [!-~]+)*")

MOST_BESIDE = 20
"""Of a patient's films, the newest, that a page offers to compare with."""

DROPZONE = Script("imaging/upload/main.js", type="module")


@words_for(XRayImage, "quality_issues")
def issues_told(issues: list[str]) -> str:
    return listed(QualityIssue(issue).label for issue in issues)


@words_for(XRayImage, "identity_conflict")
def conflict_told(conflict: dict[str, str]) -> str:
    return in_turn(whose.in_words(conflict)) or "–"


@words_for(XRayImage, "settled_conflict")
def settled_told(settled: dict[str, str]) -> str:
    return listed(map(whose.title_of, settled)) or "–"


@words_for(XRayImage, "said_further")
def further_told(further: dict[str, Any]) -> str:
    return listed(told_of(keyword, value) for keyword, value in further.items()) or "–"


SAID_IN_FILE = (
    "taken_at", "modality", "body_part", "laterality", "device", "station", "accession_number", "dicom_patient_id",
    "patient_id_issuer", "intent", "sop_uid", "study_uid", "series_uid",
)  # fmt: skip


def said_in_file(xray: XRayImage) -> list[tuple[str, str]]:
    """(title, value) of what the film's file says; a national ID masked, as everywhere."""
    said = {name: getattr(xray, name) for name in SAID_IN_FILE}
    if xray.taken_at:
        said["taken_at"] = date_format(timezone.localtime(xray.taken_at), "DATETIME_FORMAT")
    if whose.is_national_id(xray.dicom_patient_id):
        said["dicom_patient_id"] = masked(xray.dicom_patient_id)
    titles = {name: capfirst(field_of(XRayImage, name).verbose_name) for name in SAID_IN_FILE}
    shown = [(titles[name], value) for name, value in said.items() if value]
    return [*shown, *((keyword, str(value)) for keyword, value in xray.said_further.items())]


def announce(request: HttpRequest, receipt: Receipt) -> None:
    """Tell the uploader what became of one file, in one message."""
    if receipt.xray is None:
        messages.error(request, format_html(str(_("“{}” was not kept. {}")), receipt.name, receipt.refusal))
        return
    link = format_html('<a href="{}">{}</a>', change_url(receipt.xray), receipt.xray)
    if receipt.was_there:
        messages.warning(request, format_html(str(_("“{}” was already there: {}")), receipt.name, link))
        return
    level = messages.WARNING if receipt.warnings else messages.SUCCESS
    warnings = in_turn(receipt.warnings)
    messages.add_message(request, level, format_html(str(_("“{}” is kept: {} {}")), receipt.name, link, warnings))


def change_url(xray: XRayImage) -> str:
    return admin_url(xray, "change", xray.pk)


def thumbnail_of(xray: XRayImage) -> SafeString:
    return format_html(
        '<img class="xray-thumbnail" src="{}" alt="{}" loading="lazy">',
        admin_url(xray, "thumbnail", xray.pk),
        xray,
    )


def two_lines(first: str, second: object) -> SafeString:
    return format_html('{}<br><span class="soft">{}</span>', first, second)


class UploadedFilter(DayRangeFilter):
    title = _("uploaded")
    field = "created_at"


class QualityFilter(admin.SimpleListFilter):
    title = _("quality")
    parameter_name = "quality"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, LazyText]]:
        return [("good", _("Good")), ("doubtful", _("Doubtful"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        nothing_to_note = Q(quality_issues=[])
        return {"good": queryset.filter(nothing_to_note), "doubtful": queryset.exclude(nothing_to_note)}.get(
            self.value() or "", queryset
        )


class WhoseFilter(admin.SimpleListFilter):
    title = _("whose it is")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, LazyText]]:
        return [("unsettled", _("To settle"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.exclude(identity_conflict={}) if self.value() == "unsettled" else queryset


@admin.register(XRayImage)
class XRayImageAdmin(PrivateFiles, TakesFilesOneByOne, SettlesWhose, FilmNeighbours, ClinicalAdmin):
    resource_class = XRayResource
    takes_files = {**ClinicalAdmin.takes_files, "add": "has_add_permission", "take": "has_add_permission"}
    form = XRayForm
    add_form_template = "imaging/upload.html"
    change_form_template = "imaging/xray.html"
    fields = ["patient", "appointment", "view", "taken_on", "notes"]
    autocomplete_fields = ["patient"]
    list_display = ["picture", "patient_link", "taken", "file", "uploaded"]
    list_display_links = ["picture"]
    list_select_related = ["patient", "uploaded_by"]
    list_filter = ["view", "source_format", QualityFilter, WhoseFilter, UploadedFilter]
    masked_fields = ["dicom_patient_id"]
    links_by = ["patient__id__exact"]
    search = {
        **through("patient", PatientAdmin.search),
        "sha256": Exact(r"[0-9a-f]{64}", str.lower, stands_alone=True),
        "sop_uid": Exact(r"[0-9]+(\.[0-9]+){3,}", stands_alone=True),
    }
    search_help_text = _(
        "Patient's name, phone, e-mail or whole national ID; or, whole, what the file says: accession number, patient "
        "ID, SOP instance UID or SHA-256"
    )
    sortable_by = ["patient_link", "taken", "uploaded"]
    date_hierarchy = "created_at"
    empty_text = _("No X-rays yet. Drop PNG, JPEG or DICOM files here, or on a patient's page.")
    empty_action = _("Upload the first")

    class Media:
        css = {"all": ["imaging/xray.css", "imaging/viewer.css"]}
        js = [Script("imaging/viewer/main.js", type="module"), DROPZONE]

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Also by the numbers that the file gives. They are looked for first, by themselves: in one condition with the
        patient's columns no database would ask an index."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        number = tidy(search_term)
        if not NUMBER_IN_A_FILE.fullmatch(number):
            return found, may_repeat
        films = hideable(XRayImage.objects.all()).seen_by(request.user).order_by()
        keys: list[int] = []
        for column in ("accession_number", "dicom_patient_id"):
            keys += films.filter(**{column: number}).values_list("pk", flat=True)[:LISTED]
        if not keys:
            return found, may_repeat
        by_patient = found.order_by().values_list("pk", flat=True)[:LISTED]
        return queryset.filter(pk__in={*keys, *by_patient}), may_repeat

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Take several films of one patient in, each for itself: a bad one keeps no good one out."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            form = UploadForm(request.POST, request.FILES)
            if form.is_valid():
                return self._take_in(request, form)
        else:
            form = UploadForm(initial={"patient": request.GET.get("patient")} | initial_from(request))
        return self._upload_page(request, form, extra_context)

    def _take_in(self, request: HttpRequest, form: UploadForm) -> HttpResponse:
        receipts = list(take_in(form, by=person_of(request)))
        for receipt in receipts:
            announce(request, receipt)
        xrays = [receipt.xray for receipt in receipts if receipt.xray]
        asks_whose = any(receipt.contradictions for receipt in receipts)
        if not xrays or asks_whose:
            return self._upload_page(request, form, {"asks_whose": asks_whose})
        if len(xrays) == 1:
            return redirect(change_url(xrays[0]))
        return redirect(f"{admin_url(XRayImage, 'changelist')}?patient__id__exact={form.cleaned_data['patient'].pk}")

    def _upload_page(
        self, request: HttpRequest, form: UploadForm, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Upload X-rays"),
            "opts": self.opts,
            "form": form,
            "media": self.media + form.media,
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.add_form_template, context)

    def save_model(self, request: HttpRequest, obj: XRayImage, form: forms.ModelForm, change: bool) -> None:
        obj.renew_quality()
        super().save_model(request, obj, form, change)
        if change and "patient" in form.changed_data:
            settling.moved.send(sender=XRayImage, film=obj, by=request.user, reason="")

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj:
            context["quality_chips"] = self.quality(obj)
            context["quality_advice"] = [(QualityIssue(issue).label, ADVICE[issue]) for issue in obj.quality_issues]
            context["conflict_words"] = list(whose.in_words(obj.identity_conflict))
            context["said_in_file"] = said_in_file(obj)
            context["may_settle_whose"] = self.has_change_permission(request, obj)
            context["twins"] = twins.of(obj, request.user)
            context["other_films"] = self._others_of_the_patient(request, obj)
            context["neighbours"] = self.neighbours(request, obj)
            context["show_save_and_add_another"] = False  # films come in several at once, on a page of their own
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _others_of_the_patient(self, request: HttpRequest, xray: XRayImage) -> list[XRayImage]:
        """What can be laid beside it: earlier ones, the latest first, and then later ones. Not `visible`: the page of a
        hidden film shows what it had."""
        others = XRayImage.objects.seen_by(request.user).filter(patient=xray.patient_id, hidden_at=None)
        films = list(others.exclude(pk=xray.pk)[:MOST_BESIDE])
        films.sort(key=lambda film: film.day, reverse=True)
        return sorted(films, key=lambda film: film.day > xray.day)

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """Without the icons to change the patient or the visit, which have pages of their own."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    @admin.display(description=_("film"))
    def picture(self, xray: XRayImage) -> SafeString:
        return thumbnail_of(xray)

    @admin.display(description=_("patient"), ordering="patient__full_name")
    def patient_link(self, xray: XRayImage) -> SafeString:
        url = admin_url(Patient, "change", xray.patient_id)
        to_settle = chip(_("to settle"), Tone.WAIT) if xray.identity_conflict else ""
        return format_html('<a href="{}">{}</a> {}', url, name_for(xray.patient, None), to_settle)

    @admin.display(description=_("taken"), ordering="taken_on")
    def taken(self, xray: XRayImage) -> SafeString:
        return two_lines(xray.view or "–", date_format(xray.taken_on) if xray.taken_on else "")

    @admin.display(description=_("file"), ordering="source_format")
    def file(self, xray: XRayImage) -> SafeString:
        size = {"width": xray.width, "height": xray.height, "bits": xray.bit_depth}
        about = two_lines(xray.source_format, _("%(width)s × %(height)s, %(bits)s bit") % size)
        return format_html("{} {}", about, self.quality(xray)) if xray.quality_issues else about

    @admin.display(description=_("uploaded"), ordering="created_at")
    def uploaded(self, xray: XRayImage) -> SafeString:
        when = date_format(timezone.localtime(xray.created_at), "DATETIME_FORMAT")
        return two_lines(when, xray.uploaded_by or "–")

    def quality(self, xray: XRayImage) -> SafeString:
        return format_html_join(
            " ", '<span class="chip wait">{}</span>', [[QualityIssue(issue).label] for issue in xray.quality_issues]
        ) or format_html('<span class="chip good">{}</span>', _("good"))


class ShownFormSet(FirstRows):
    """Shows what is there. The page around it carries files, which the form must know."""

    def is_multipart(self) -> bool:
        return True


class XRaysOfPatient(admin.TabularInline):
    model = XRayImage
    formset = ShownFormSet
    template = "imaging/xrays_of_patient.html"
    verbose_name_plural = _("X-rays")
    fields = ["view", "taken_on"]
    readonly_fields = ["view", "taken_on"]
    extra = max_num = 0
    can_delete = False

    class Media:
        css = {"all": ["imaging/xray.css"]}
        js = [DROPZONE]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        # Not `visible`: the page of a hidden patient shows those who may see it what hangs on the record.
        return hideable(super().get_queryset(request)).seen_by(request.user).filter(hidden_at=None)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class PatientWithXRaysAdmin(PatientAdmin):
    """The patient's page, with films: it lies in the layer below, so this one comes down and adds them."""

    takes_files = {**PatientAdmin.takes_files, "change": "may_send_so_much"}

    def may_send_so_much(self, request: HttpRequest) -> bool:
        """Films, of who may add them; of others, what any form of the admin may be."""
        adds_films = request.user.has_perm("imaging.add_xrayimage")
        return adds_films or declared_length(request) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    def get_inlines(self, request: HttpRequest, obj: Patient | None) -> list[Any]:
        inlines = [*super().get_inlines(request, obj)]
        return [*inlines, XRaysOfPatient] if obj else inlines

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response = super().changeform_view(request, object_id, form_url, extra_context)
        saved = request.method == "POST" and response.status_code == 302
        # Outside the patient's own transaction, which a bad film must not undo, nor undo a good one.
        if saved and object_id and request.user.has_perm("imaging.add_xrayimage"):
            patient: Any = self.get_object(request, unquote(object_id))
            for file in request.FILES.getlist("files") if patient else []:
                announce(request, receive(file, patient, by=person_of(request)))
        return response


admin.site.unregister(Patient)
admin.site.register(Patient, PatientWithXRaysAdmin)
