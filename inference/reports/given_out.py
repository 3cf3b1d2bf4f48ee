"""What is given out of the admin: the PDF, the slip for the patient, and what a PACS takes."""

from io import BytesIO
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from backoffice.admin import ClinicalAdmin
from backoffice.files.apart import Undone
from backoffice.models import AccessEvent
from backoffice.web.media import send_private
from backoffice.web.qr_codes import qr_code
from imaging.ingest import Refused
from inference.dicom_results.capture import capture
from inference.dicom_results.optional import has_structured
from inference.dicom_results.report_document import report_document
from inference.models import Prediction, Report
from inference.reports import letters, proof
from inference.reports.beside_the_film import may_have_structured
from inference.reports.pdf import render
from inference.reports.public_pages import as_pdf
from inference.reports.sheet import sheet_of
from inference.review.blinding import sees_answer

DRAFT = Report.Status.DRAFT


class GivesReportsOut(ClinicalAdmin):
    """Mixin of the reports' admin."""

    def get_urls(self) -> list[URLPattern]:
        def of_a_report(name: str, view: Any) -> URLPattern:
            wrapped = self.admin_site.admin_view(never_cache(view))
            return path(f"<int:pk>/{name}/", wrapped, name=f"inference_report_{name}")

        def of_an_answer(name: str, view: Any) -> URLPattern:
            return path(f"{name}/<int:pk>/", self.admin_site.admin_view(view), name=f"inference_report_{name}")

        return [
            of_a_report("pdf", self.pdf_view),
            of_a_report("dicom", self.dicom_view),
            of_a_report("slip", self.slip_view),
            of_an_answer("capture", self.capture_view),
            of_an_answer("structured", self.structured_view),
            *super().get_urls(),
        ]

    def report_seen_by(self, request: HttpRequest, pk: int) -> Report:
        if not self.has_view_permission(request):
            raise PermissionDenied
        report = self.get_object(request, str(pk))
        if report is None:
            raise Http404
        return cast(Report, report)

    def pdf_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The file as the patient has it; of a draft, as it would be."""
        report = self.report_seen_by(request, pk)
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
        report = self.report_seen_by(request, pk)
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
        report = self.report_seen_by(request, pk)
        if report.status == DRAFT or report.is_gone:
            raise Http404
        AccessEvent.objects.record(request, AccessEvent.Action.VIEW, report)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": _("Slip for the patient")}
        context |= {"report": report, "link": letters.link_to(report), "code": qr_code(letters.link_to(report))}
        context |= {"can_prove": not report.patient or proof.can_prove(report.patient), "media": self.media}
        return TemplateResponse(request, "inference/reports/slip.html", context)


def _as_dicom(file: bytes, name: str) -> HttpResponseBase:
    return send_private(BytesIO(file), content_type="application/dicom", download_as=f"{name}.dcm")


def _not_there() -> HttpResponse:
    told = _("The file is not there any more. Tell whoever runs the server: check_integrity says what to do.")
    return HttpResponse(told, status=503, content_type="text/plain; charset=utf-8")
