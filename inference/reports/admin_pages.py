"""Reports in the admin: written from what is signed, looked at as they will be, published, amended, withdrawn."""

from io import BytesIO
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache

from backoffice.access.people import StaffRequest
from backoffice.admin import ClinicalAdmin
from backoffice.admin.base.filters import DayRangeFilter
from backoffice.admin.base.giving_back import initial_from
from backoffice.admin.base.hiding import FROM_PAGE, sent_along
from backoffice.files.apart import Undone
from backoffice.formats.lists import told_of
from backoffice.live.chips import Tone, chip
from backoffice.models import AccessEvent
from backoffice.models.users import person_of
from backoffice.records.fields import LineField
from backoffice.records.forms import ClinicalForm
from backoffice.records.mixins import HideableQuerySet
from backoffice.records.search import through
from backoffice.records.seen import SEEN
from backoffice.web.admin_urls import admin_url
from backoffice.web.media import send_private
from clinic.admin import PatientAdmin
from imaging.ingest import Refused
from inference.dicom_results.capture import capture
from inference.dicom_results.optional import has_structured
from inference.dicom_results.report_document import report_document
from inference.follow_ups.section import section_of
from inference.models import Hold, Prediction, PublishedError, Report
from inference.models.reports import BECAUSE_LENGTH
from inference.reports import drafting, letters, proof, publishing, unchangeable
from inference.reports.beside_the_film import may_have_structured
from inference.reports.pdf import render
from inference.reports.public_pages import as_pdf
from inference.reports.publishing import ReportError
from inference.reports.resources import ReportResource
from inference.reports.sheet import sheet_of
from inference.review.blinding import sees_answer, without_closed
from inference.typefaces import missing_from

DRAFT, PUBLISHED = Report.Status.DRAFT, Report.Status.PUBLISHED


class PublishedFilter(DayRangeFilter):
    title = gettext_lazy("published at")
    field = "published_at"


class ReportForm(ClinicalForm):
    """A new one is about a signed answer; without a text it begins with the template's."""

    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "body" in self.fields:
            self.fields["body"].widget = forms.Textarea(
                {"rows": 26, "cols": 80, "class": "vLargeTextField report-body"}
            )
            self.fields["body"].required = False
            self.fields["body"].help_text = _(
                "Left empty, it begins with the facts of the case, in the language above."
            )
        if "language" in self.fields and self.instance.pk is None:
            self.fields["language"].required = False
            self.fields["language"].choices = [("", _("The patient’s")), *settings.LANGUAGES]
            self.initial["language"] = ""

    def clean_prediction(self) -> Prediction:
        prediction: Prediction = self.cleaned_data["prediction"]
        if not prediction.is_gone and (why := publishing.why_no_report(prediction)):  # that it is gone is said anyway
            raise forms.ValidationError(why)
        return prediction


class BecauseForm(forms.Form):
    """Why a published report is withdrawn, or what its next version changes."""

    reason = LineField(max_length=BECAUSE_LENGTH)

    def __init__(self, label: str, help_text: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label, self.fields["reason"].help_text = label, help_text


@admin.register(Report)
class ReportAdmin(ClinicalAdmin):
    form = ReportForm
    resource_class = ReportResource
    actions = [*ClinicalAdmin.actions, "publish"]
    list_display = ["prediction", "version", "state", "language", "generated_by", "published_at"]
    list_filter = ["status", "language", PublishedFilter]
    empty_text = gettext_lazy("No reports yet. A signed second opinion is what a report is written from.")
    list_select_related = ["prediction__xray__patient", "generated_by"]
    search = through("prediction__xray__patient", PatientAdmin.search)
    search_help_text = PatientAdmin.search_help_text
    sortable_by = []
    autocomplete_fields = ["prediction"]
    fields = ["prediction", "state", "language", "shows_film", "amendment", "body", "published_at", "fingerprint"]
    readonly_fields = ["state", "published_at", "fingerprint"]

    class Media:
        css = {"all": ["imaging/xray.css", "inference/inference.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return without_closed(super().get_queryset(request), request.user)

    # -- Who may ------------------------------------------------------------------------------------------------------

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return publishing.may_publish(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and self.has_publish_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is published stays as it was read: a correction is a new version. And only who publishes writes."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or (obj.status == DRAFT and self.has_publish_permission(request)))

    def has_import_permission(self, request: HttpRequest) -> bool:
        return False  # reports are written here

    # -- The form -----------------------------------------------------------------------------------------------------

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            return ["prediction", "language", "shows_film", "body"]
        left_out = {
            *(() if obj.amendment or obj.version > 1 else ("amendment",)),
            *(() if obj.status == PUBLISHED else ("published_at", "fingerprint")),
        }
        return [name for name in self.fields if name not in left_out]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*self.readonly_fields, "prediction"] if obj else list(self.readonly_fields)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """An edit that comes after somebody has published it, from another tab, is refused with the way on."""
        if request.method == "POST" and object_id:
            report = self.get_object(request, object_id)
            if report is not None and report.status == PUBLISHED and self.has_publish_permission(request):
                return self._published_meanwhile(request, report)
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except (PublishedError, DatabaseError) as error:  # at this very moment
            if not (isinstance(error, PublishedError) or unchangeable.is_refusal(error)):
                raise
            return self._published_meanwhile(request, Report.objects.get(pk=int(object_id or 0)))

    def _published_meanwhile(self, request: HttpRequest, report: Report) -> HttpResponse:
        told = _("Nothing was saved: it is published, and what is published stays. Amend it by a new version.")
        messages.error(request, told)
        return redirect(admin_url(report, "change", report.pk))

    def save_model(self, request: HttpRequest, obj: Report, form: forms.ModelForm, change: bool) -> None:
        if not change:
            obj.generated_by = person_of(request)
            obj.language = form.cleaned_data.get("language") or drafting.language_for(obj.prediction.xray)
            obj.take_next_version()
        obj.body = obj.body or drafting.body_for(obj.prediction, obj.language)
        super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def state(self, report: Report) -> SafeString:
        if report.is_withdrawn:
            return chip(_("withdrawn"), Tone.BAD)
        tone = Tone.GOOD if report.status == PUBLISHED else Tone.WAIT
        return chip(report.get_status_display(), tone)

    @admin.display(description=gettext_lazy("SHA-256 of the PDF"))
    def fingerprint(self, report: Report) -> SafeString:
        return format_html('<span class="num checksum">{}</span>', report.sha256)

    # -- Around it ----------------------------------------------------------------------------------------------------

    def notices(self, request: HttpRequest, obj: Report) -> list[str | SafeString]:
        found = super().notices(request, obj)
        if obj.is_withdrawn:
            told = {"who": obj.withdrawn_by or _("Somebody"), "why": obj.withdrawn_because}
            found.append(_("Withdrawn by %(who)s: %(why)s") % told)
        elif obj.status == PUBLISHED and (newer := obj.amended_by):
            url = admin_url(Report, "change", newer.pk)
            told_there = _("It is amended by version %(n)d.") % {"n": newer.version}
            found.append(format_html('<a href="{}">{}</a>', url, told_there))
        elif obj.status == PUBLISHED and _is_signed_again(obj):
            found.append(_("It was signed again since this was published. Amend it, or withdraw it."))
        return found

    def page_links(self, request: HttpRequest, obj: Report) -> list[tuple[str, str]]:
        links = super().page_links(request, obj)
        if obj.is_gone:
            return links
        may = self.has_publish_permission(request)
        if obj.status == DRAFT:
            words = _("Preview and publish") if may else _("Preview")
            return [*links, (words, admin_url(obj, "preview", obj.pk))]
        links += [
            (_("PDF"), admin_url(obj, "pdf", obj.pk)),
            (_("For a PACS (DICOM)"), admin_url(obj, "dicom", obj.pk)),
            (_("Slip for the patient"), admin_url(obj, "slip", obj.pk)),
        ]
        if may and not obj.is_withdrawn:
            links += [
                (_("Amend…"), admin_url(obj, "amend", obj.pk)),
                (_("Withdraw…"), admin_url(obj, "withdraw", obj.pk)),
            ]
        return links

    def why_not_hide(self, request: HttpRequest, queryset: HideableQuerySet) -> list[str]:
        if queryset.filter(status=PUBLISHED).exists():
            return [_("What is published is not hidden: withdraw it, and the patient learns of it.")]
        return []

    def get_urls(self) -> list[URLPattern]:
        def page(name: str, view: Any) -> URLPattern:
            wrapped = self.admin_site.admin_view(never_cache(view))
            return path(f"<int:pk>/{name}/", wrapped, name=f"inference_report_{name}")

        view = self.admin_site.admin_view
        return [
            page("preview", self.preview_view),
            page("pdf", self.pdf_view),
            page("dicom", self.dicom_view),
            page("slip", self.slip_view),
            page("amend", self.amend_view),
            page("withdraw", self.withdraw_view),
            path("write/<int:pk>/", view(self.write_view), name="inference_report_write"),
            path("capture/<int:pk>/", view(self.capture_view), name="inference_report_capture"),
            path("structured/<int:pk>/", view(self.structured_view), name="inference_report_structured"),
            *super().get_urls(),
        ]

    def _report_seen_by(self, request: HttpRequest, pk: int) -> Report:
        if not self.has_view_permission(request):
            raise PermissionDenied
        report = self.get_object(request, str(pk))
        if report is None:
            raise Http404
        return cast(Report, report)

    def write_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """POST: a draft about this signed answer, or the one that waits already."""
        if request.method != "POST" or not self.has_publish_permission(request):
            raise PermissionDenied
        prediction = Prediction.objects.seen_by(request.user).filter(pk=pk).first()
        if prediction is None:
            raise Http404
        try:
            report = publishing.write(prediction, by=request.user)
        except ReportError as error:
            messages.error(request, str(error))
            return redirect(admin_url(Prediction, "change", pk))
        return redirect(admin_url(report, "change", report.pk))

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What would be published, with a button for who may."""
        report = self._report_seen_by(request, pk)
        if report.status == PUBLISHED:
            return redirect(admin_url(report, "change", report.pk))
        AccessEvent.objects.record(request, AccessEvent.Action.VIEW, report)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Preview: %(report)s") % {"report": report.name_for(request.user)},
            "report": report,
            "sheet": sheet_of(report),
            "warnings": warnings_of(report),
            "mail_to": letters.address_for(report),
            "may_publish": self.has_publish_permission(request) and not report.is_gone,
            "seen": f"{report.pk}:{publishing.version_of(report)}",
            "from_page": FROM_PAGE,
            "followed_up": section_of(
                person_of(request), report.prediction.follow_ups.all(), answer=report.prediction, report=report
            ),
            "media": self.media,
        }
        return TemplateResponse(request, "inference/reports/preview.html", context)

    def pdf_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The file as the patient has it; of a draft, as it would be."""
        report = self._report_seen_by(request, pk)
        if report.status == DRAFT:
            AccessEvent.objects.record(request, AccessEvent.Action.VIEW, report)
            response = HttpResponse(render(sheet_of(report)), content_type="application/pdf")
            response["Content-Disposition"] = 'inline; filename="draft.pdf"'
            return response
        AccessEvent.objects.record(request, AccessEvent.Action.DOWNLOAD, report)
        try:
            file = default_storage.open(str(report.pdf.name))
        except OSError:
            return _not_there()
        return as_pdf(request, file, report)

    def dicom_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The published PDF as a file for a PACS."""
        report = self._report_seen_by(request, pk)
        if report.status == DRAFT:
            raise Http404
        AccessEvent.objects.record(request, AccessEvent.Action.DOWNLOAD, report)
        try:
            return _as_dicom(report_document(report), f"report-{report.pk}-{report.version}")
        except OSError:
            return _not_there()

    def capture_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Film and heat map of a signed answer as a picture for a PACS."""
        if not request.user.has_perms(["inference.view_prediction", "imaging.view_xrayimage"]):
            raise PermissionDenied
        prediction = Prediction.objects.seen_by(request.user).filter(pk=pk, is_validated=True).first()
        if prediction is None or not sees_answer(request.user, prediction):
            raise Http404
        AccessEvent.objects.record(request, AccessEvent.Action.DOWNLOAD, prediction)
        try:
            return _as_dicom(capture(prediction), f"second-opinion-{prediction.pk}")
        except (OSError, Refused, Undone):
            return _not_there()

    def structured_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """An answer, signed or not, as a structured report for a PACS, where that can be made."""
        if not may_have_structured(request.user):
            raise PermissionDenied
        answered = Prediction.objects.seen_by(request.user).filter(pk=pk, status=Prediction.Status.COMPLETED)
        prediction = answered.select_related("xray__patient", "reviewed_by").first()
        if prediction is None or not has_structured() or not sees_answer(request.user, prediction):
            raise Http404
        from inference.dicom_results.structured import structured

        AccessEvent.objects.record(request, AccessEvent.Action.DOWNLOAD, prediction)
        return _as_dicom(structured(prediction), f"structured-{prediction.pk}")

    def slip_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """To print, for who has no e-mail: where the document is, and what the page asks. Nothing medical."""
        report = self._report_seen_by(request, pk)
        if report.status == DRAFT or report.is_gone:
            raise Http404
        AccessEvent.objects.record(request, AccessEvent.Action.VIEW, report)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": _("Slip for the patient")}
        context |= {"report": report, "link": letters.link_to(report), "code": code_of(letters.link_to(report))}
        context |= {"can_prove": not report.patient or proof.can_prove(report.patient), "media": self.media}
        return TemplateResponse(request, "inference/reports/slip.html", context)

    def amend_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        label = _("What is amended, and why")
        help_text = _("It stands in the new version, for who has read this one.")
        return self._ask_why(
            request, pk, "amend", _("Amend this report"), BecauseForm(label, help_text, **asked(request))
        )

    def withdraw_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        help_text = _("Whoever looks for it later reads this. The patient does not: they are asked to call.")
        form = BecauseForm(_("Reason"), help_text, **asked(request))
        return self._ask_why(request, pk, "withdraw", _("Withdraw this report"), form)

    def _ask_why(self, request: StaffRequest, pk: int, what: str, title: str, form: BecauseForm) -> HttpResponse:
        report = self._report_seen_by(request, pk)
        if not self.has_publish_permission(request):
            raise PermissionDenied
        if report.is_gone or report.status == DRAFT:
            raise Http404
        if request.method == "POST" and form.is_valid():
            try:
                return self._done_because(request, report, what, form.cleaned_data["reason"])
            except ReportError as error:
                messages.error(request, str(error))
                return redirect(admin_url(report, "change", report.pk))
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "report": report}
        context |= {"what": what, "form": form, "media": self.media + form.media}
        return TemplateResponse(request, "inference/reports/decide.html", context)

    def _done_because(self, request: StaffRequest, report: Report, what: str, reason: str) -> HttpResponse:
        if what == "withdraw":
            publishing.withdraw(report, by=request.user, reason=reason)
            messages.success(request, _("It is withdrawn. The patient reads so where they open it; tell them, too."))
            return redirect(admin_url(report, "change", report.pk))
        draft = publishing.amend(report, by=request.user, what=reason)
        messages.success(request, _("This is the draft of the next version. The one that is published stays."))
        return redirect(admin_url(draft, "change", draft.pk))

    # -- Publishing ---------------------------------------------------------------------------------------------------

    @admin.action(description=gettext_lazy("Publish"), permissions=["publish"])
    def publish(self, request: StaffRequest, queryset: QuerySet) -> HttpResponse | None:
        """Asks first, and says who is told; with `confirm` it is done, for each as it was `seen`."""
        drafts = list(cast(HideableQuerySet, queryset).visible().filter(status=DRAFT).order_by("pk"))
        if not drafts:
            self.message_user(request, _("Nothing to publish: choose drafts."), messages.WARNING)
            return self._back(request)
        if "confirm" not in request.POST:
            return self._ask_to_publish(request, drafts)
        seen = dict(shown.partition(":")[::2] for shown in request.POST.getlist(SEEN))
        n = sum(self._publish(request, draft, seen.get(str(draft.pk), "")) for draft in drafts)
        if n:
            told = ngettext("%d report is published.", "%d reports are published.", n) % n
            self.message_user(request, told, messages.SUCCESS)
        return self._back(request)

    def _publish(self, request: StaffRequest, draft: Report, seen: str) -> bool:
        try:
            published = publishing.publish(draft, by=request.user, seen=seen)
        except ReportError as error:
            link = format_html('<a href="{}">{}</a>', admin_url(draft, "change", draft.pk), draft)
            self.message_user(request, format_html(told_of("{}", "{}"), link, error), messages.ERROR)
            return False
        if not letters.address_for(published):
            told = _("No e-mail is on file: print the slip, and give it to the patient.")
            link = format_html('<a href="{}">{}</a>', admin_url(draft, "slip", draft.pk), draft)
            self.message_user(request, format_html(told_of("{}", "{}"), link, told), messages.WARNING)
        return True

    def _ask_to_publish(self, request: HttpRequest, drafts: list[Report]) -> HttpResponse:
        rows = [
            {
                "report": draft,
                "url": admin_url(draft, "preview", draft.pk),
                "seen": f"{draft.pk}:{publishing.version_of(draft)}",
                "mail_to": letters.address_for(draft),
                "warnings": warnings_of(draft),
            }
            for draft in drafts
        ]
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": _("Publish these reports?")}
        context |= {"rows": rows, "sent_along": sent_along(request), "media": self.media}
        return TemplateResponse(request, "inference/reports/publish.html", context)


@admin.register(Hold)
class HoldAdmin(ClinicalAdmin):
    list_display = ["reason", "patient", "report", "created_at"]
    list_select_related = ["patient", "report__prediction__xray__patient"]
    list_display_links = ["reason"]
    fields = ["patient", "report", "reason"]
    autocomplete_fields = ["patient", "report"]
    sortable_by = []
    empty_text = gettext_lazy(
        "Nothing is held. What a court, an insurer or a complaint needs is kept beyond its time here."
    )

    def what_hiding_does(self, request: HttpRequest, queryset: Any) -> list[str]:
        return [_("The hold is lifted: what has had its time is taken out by the next “purge”.")]


def asked(request: HttpRequest) -> dict[str, Any]:
    return {"data": request.POST} if request.method == "POST" else {"initial": initial_from(request)}


def warnings_of(report: Report) -> list[str]:
    """What whoever publishes should know, in sentences."""
    found = []
    if missing := missing_from(sheet_of(report).text, report.language):
        signs = " ".join(f"{sign} (U+{ord(sign):04X})" for sign in missing)
        found.append(_("The typeface lacks these signs, which are printed as □: %(signs)s.") % {"signs": signs})
    if not letters.address_for(report):
        found.append(_("No e-mail is on file: print the slip, and give it to the patient."))
    if not proof.can_prove(report.prediction.xray.patient):
        found.append(
            _(
                "The patient has neither a booking nor an ID number on file, and cannot open it: print the report "
                "itself."
            )
        )
    return found


def _as_dicom(file: bytes, name: str) -> HttpResponseBase:
    return send_private(BytesIO(file), content_type="application/dicom", download_as=f"{name}.dcm")


def _not_there() -> HttpResponse:
    told = _("The file is not there any more. Tell whoever runs the server: check_integrity says what to do.")
    return HttpResponse(told, status=503, content_type="text/plain; charset=utf-8")


def code_of(link: str) -> str:
    """A QR code as the address of a picture."""
    import segno

    return segno.make(link, micro=False).svg_data_uri(scale=5, dark="#000", light="#fff")


def _is_signed_again(report: Report) -> bool:
    signed, published = report.prediction.reviewed_at, report.published_at
    return bool(signed and published and signed > published)
