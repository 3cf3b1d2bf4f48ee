"""A report from outside: who proves who they are opens it; whoever has it learns whether it is the newest."""

import re
from typing import Any

from django import forms
from django.core.files.storage import default_storage
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from backoffice.models import AccessEvent
from backoffice.records.fields import DayField, LineField
from backoffice.web.kept_files import send_kept
from clinic.public.forms import PublicForm
from clinic.public.limits import may_prove
from inference.models import Report
from inference.reports import proof
from inference.reports.proof import Outcome

HASH = re.compile(r"[0-9a-f]{64}")


class ProofForm(PublicForm):
    reference = LineField(
        label=_("Reference of your booking"),
        max_length=300,  # the whole address of the booking, as a phone copies it
        help_text=_(
            "The last part of the link in the mail about your booking; the whole link will do. Without a booking: the "
            "number of your ID card."
        ),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": _("Write the reference, or the number of your ID card.")},
    )
    date_of_birth = DayField(
        label=_("Date of birth"),
        widget=forms.DateInput({"type": "date", "autocomplete": "bday"}, format="%Y-%m-%d"),
        error_messages={"required": _("Choose your date of birth.")},
    )


def _private(response: HttpResponseBase, referrer: str = "same-origin") -> HttpResponseBase:
    """The address is half of the key: no search engine, and no other page, is told of it."""
    response["Referrer-Policy"] = referrer
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def open_report(request: HttpRequest, key: str) -> HttpResponseBase:
    """Ask who is there, and send the newest version of what the key is of. GET is the same page for every key."""
    form = ProofForm(request.POST or None)
    status = 200
    if request.method == "POST":
        given: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
        if given and not may_prove(request, key, given["reference"]):
            status = 429
            form.add_error(None, _("Too many tries. Please try again in an hour, or call us."))
        elif given:
            answer = proof.asked(key, **given)
            if answer.outcome is Outcome.OPEN and answer.report:
                return _private(_sent(request, answer.report), referrer="no-referrer")
            if answer.outcome is Outcome.WITHDRAWN:
                return _private(render(request, "inference/reports/withdrawn.html"))
            form.add_error(None, _("This does not match. Check the reference and the date of birth, or call us."))
    return _private(render(request, "inference/reports/open.html", {"form": form}, status=status))


def _sent(request: HttpRequest, report: Report) -> HttpResponseBase:
    try:
        file = default_storage.open(str(report.pdf.name))
    except OSError:
        return render(request, "inference/reports/not_now.html", status=503)
    AccessEvent.objects.record_visitor(request, AccessEvent.Action.DOWNLOAD, report)
    return as_pdf(request, file, report)


def as_pdf(request: HttpRequest, file: Any, report: Report) -> HttpResponseBase:
    """To be shown by the browser, under a name that names nobody."""
    response = send_kept(request, file, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="report-{report.pk}-{report.version}.pdf"'
    return response


@never_cache
@require_safe
def check_report(request: HttpRequest, key: str) -> HttpResponseBase:
    """Whether what somebody holds is what the clinic published, and the newest of it. It names nobody, and nothing that
    was found. GET `sha256` is that of the PDF, or the one of its text that the QR code carries."""
    report = Report.objects.published().select_related("prediction__xray__patient").filter(key=key).first()
    given = "".join(request.GET.get("sha256", "").split()).lower()
    if report is None or report.is_gone:
        return _private(render(request, "inference/reports/check.html", {"report": None}, status=404))
    context = {
        "report": report,
        "given": given,
        "is_hash": bool(HASH.fullmatch(given)),
        "is_it": given in (report.sha256, report.text_sha256),
        "newer": report.amended_by,
    }
    return _private(render(request, "inference/reports/check.html", context))
