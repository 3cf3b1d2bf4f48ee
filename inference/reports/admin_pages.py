"""Reports in the admin: written from what is signed, looked at as they will be, published, amended, withdrawn."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
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
from backoffice.admin.base.giving_back import seen_on
from backoffice.admin.base.hiding import FROM_PAGE, sent_along
from backoffice.formats.lists import told_of
from backoffice.live.chips import Tone, chip
from backoffice.models import AccessEvent
from backoffice.models.users import person_of
from backoffice.records.mixins import HideableQuerySet
from backoffice.records.search import through
from backoffice.records.seen import SEEN
from backoffice.web.admin_urls import admin_url
from clinic.admin import PatientAdmin
from inference.follow_ups.section import section_of
from inference.models import Prediction, PublishedError, Report
from inference.reports import drafting, letters, proof, publishing, unchangeable
from inference.reports.forms import BecauseForm, ReportForm, asked
from inference.reports.given_out import DRAFT, GivesReportsOut
from inference.reports.publishing import ReportError
from inference.reports.resources import ReportResource
from inference.reports.sheet import sheet_of
from inference.review.blinding import without_closed
from inference.typefaces import missing_from

PUBLISHED = Report.Status.PUBLISHED


class PublishedFilter(DayRangeFilter):
    title = gettext_lazy("published at")
    field = "published_at"


@admin.register(Report)
class ReportAdmin(GivesReportsOut):
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

        write = self.admin_site.admin_view(self.write_view)
        return [
            page("preview", self.preview_view),
            page("amend", self.amend_view),
            page("withdraw", self.withdraw_view),
            path("write/<int:pk>/", write, name="inference_report_write"),
            *super().get_urls(),
        ]

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
        report = self.report_seen_by(request, pk)
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
        report = self.report_seen_by(request, pk)
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
        seen = seen_on(request, request.POST.get(SEEN) or publishing.version_standing(report))
        context |= {"what": what, "form": form, "seen": seen, "media": self.media + form.media}
        return TemplateResponse(request, "inference/reports/decide.html", context)

    def _done_because(self, request: StaffRequest, report: Report, what: str, reason: str) -> HttpResponse:
        if what == "withdraw":
            publishing.withdraw(report, by=request.user, reason=reason, seen=request.POST.get(SEEN, ""))
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


def _is_signed_again(report: Report) -> bool:
    signed, published = report.prediction.reviewed_at, report.published_at
    return bool(signed and published and signed > published)
