"""From a file to a table, in three pages: choose a file, see what it would do, see what it did."""

from django import forms
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from backoffice.access.people import StaffRequest
from backoffice.admin.base.exchange_access import ExchangeAccess
from backoffice.admin.base.import_files import SUFFIXES_OF_TEMPLATES, problems_file, template_file
from backoffice.exchange.reading import SUFFIXES, UnreadableFileError
from backoffice.imports import progress, runs, uploads
from backoffice.lazy import LazyText
from backoffice.models import AccessEvent, TableImport

LARGEST_FILE = 100 * 1024**2
RECENT = 8
LINES_PER_PAGE = 25

ALL_ROWS, GOOD_ROWS, CANCEL = "all", "good", "cancel"
DECIDED = _("This file does not wait to be confirmed any more. Here is how it stands.")

_signer = signing.Signer(salt="backoffice.import")


class FileForm(forms.Form):
    """One table to take in."""

    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,  # the reader says better what to do about it
        max_length=200,
        widget=forms.FileInput({"accept": ",".join(SUFFIXES), "class": "drop"}),
        error_messages={"required": _("Choose a file first.")},
    )

    def clean_file(self) -> UploadedFile:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise forms.ValidationError(
                _("The file is larger than %(most)d MB. Split it, and import one part after the other.")
                % {"most": LARGEST_FILE // 1024**2}
            )
        return file


def key_of(row: TableImport) -> str:
    """What confirms an import: names this row, this content and what it would do, and nobody can make one but we."""
    return _signer.sign(f"{row.pk}-{row.sha256}-{what_was_shown(row)}")


def what_was_shown(row: TableImport) -> str:
    return (row.outcome or {}).get("rows_digest", "")


def import_of(key: str) -> tuple[TableImport | None, str]:
    """The import that a key was made for, None where we made no such key; and what was shown with it."""
    try:
        pk, sha256, shown = _signer.unsign(key).split("-")
    except (signing.BadSignature, ValueError):
        return None, ""
    return TableImport.objects.filter(pk=pk, sha256=sha256).first(), shown


class ImportPages(ExchangeAccess):
    """Mixin of ExchangeAdmin. A page shows a row of TableImport; only `process_import_view` decides over one."""

    def import_view(self, request: StaffRequest) -> HttpResponse:
        """Choose a file. It is kept and checked, and nothing of the table changes."""
        self._require_import_permission(request)
        form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
        if form.is_valid():
            try:
                row = uploads.receive(form.cleaned_data["file"], self.model, by=request.user)
            except UnreadableFileError as error:
                form.add_error("file", str(error))
            else:
                return redirect(self.exchange_url("import_result", row.pk))
        recent = TableImport.objects.of_model(self.model).seen_by(request.user).select_related("uploaded_by")
        context = {
            "form": form,
            "columns": self.resource().columns(),
            "templates": [
                (suffix.upper(), self.exchange_url("import_template", suffix)) for suffix in SUFFIXES_OF_TEMPLATES
            ],
            "recent": [(row, self.exchange_url("import_result", row.pk)) for row in recent.defer("details")[:RECENT]],
        }
        return self._import_page(request, "backoffice/import.html", context)

    def import_result_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """How an import stands: at work, to be confirmed, done. Who asks for news gets the part that changes."""
        return self._result_page(request, self._import_seen_by(request, pk))

    def import_problems_view(self, request: StaffRequest, pk: int) -> StreamingHttpResponse:
        """The errors, as a file to work through beside the table."""
        row = self._import_seen_by(request, pk)
        outcome = runs.outcome_of(row)
        if outcome is None or not (row.details and outcome.errors):
            raise Http404
        AccessEvent.objects.record(request, AccessEvent.Action.DOWNLOAD, row)
        return problems_file(outcome.errors, name=f"import-{row.pk}")

    def import_template_view(self, request: StaffRequest, suffix: str) -> StreamingHttpResponse:
        """An empty table with the right columns."""
        self._require_import_permission(request)
        if suffix not in SUFFIXES_OF_TEMPLATES:
            raise Http404
        return template_file(self.resource(), suffix, name=str(self.opts.model_name))

    def process_import_view(self, request: StaffRequest) -> HttpResponse:
        """Write a checked file, or drop it. Everything about it comes from its row; the request only brings the key."""
        self._require_import_permission(request)
        if request.method != "POST":
            return redirect(self.exchange_url("import"))
        row, shown = import_of(request.POST.get("key", ""))
        if row is None or row.model is not self.model:
            return self._refuse(request, _("No such file waits here. Choose it again."), 404)
        if not self._may_decide(request, row):
            return self._refuse(request, _("Somebody else uploaded this file, and only they may confirm it."), 403)
        decision = request.POST.get("decision", "")
        if refusal := self._decide(request, row, decision, shown):
            row.refresh_from_db()
            return self._result_page(request, row, refusal=refusal, status=409)
        if decision == CANCEL:
            return redirect(self.exchange_url("import"))
        return redirect(self.exchange_url("import_result", row.pk))

    def _decide(self, request: StaffRequest, row: TableImport, decision: str, shown: str) -> LazyText | None:
        """Carry out a decision; returns why it was not."""
        if decision == CANCEL:
            return None if uploads.cancel(row) else _("It is too late to cancel this import.")
        if row.status != TableImport.Status.CHECKED:
            return DECIDED
        if shown != what_was_shown(row):
            return _("The file was checked again since that page was shown. Here is what it would do now.")
        skip_invalid = decision == GOOD_ROWS
        if decision not in (ALL_ROWS, GOOD_ROWS) or not uploads.may_confirm(row, skip_invalid=skip_invalid):
            return _("This file cannot be imported so. Here is what it would do.")
        if not runs.is_unchanged(row):
            return _("The kept file is not the one that was checked. Choose it again.")
        return None if uploads.confirm(row, by=request.user, skip_invalid=skip_invalid) else DECIDED

    # -- Who may ------------------------------------------------------------------------------------------------------

    def _require_import_permission(self, request: StaffRequest) -> None:
        if not self.has_import_permission(request):
            raise PermissionDenied

    def _import_seen_by(self, request: StaffRequest, pk: int) -> TableImport:
        self._require_import_permission(request)
        row = get_object_or_404(TableImport.objects.of_model(self.model).select_related("uploaded_by"), pk=pk)
        if not TableImport.objects.seen_by(request.user).filter(pk=pk).exists():
            raise PermissionDenied
        return row

    def _may_decide(self, request: StaffRequest, row: TableImport) -> bool:
        return row.uploaded_by_id == request.user.pk or request.user.has_perm("backoffice.change_tableimport")

    # -- Pages --------------------------------------------------------------------------------------------------------

    def _result_page(
        self, request: StaffRequest, row: TableImport, *, refusal: LazyText | None = None, status: int = 200
    ) -> HttpResponse:
        outcome = runs.outcome_of(row)
        context = {
            "row": row,
            "refusal": refusal,
            "outcome": outcome,
            "rows_done": progress.read(row) if row.is_at_work else None,
            "problems": outcome and Paginator(outcome.errors, LINES_PER_PAGE).get_page(request.GET.get("problems")),
            "changes": outcome and Paginator(outcome.preview, LINES_PER_PAGE).get_page(request.GET.get("changes")),
            "key": key_of(row) if self._may_decide(request, row) else None,
            "may_write_all": uploads.may_confirm(row, skip_invalid=False),
            "may_write_good": uploads.may_confirm(row, skip_invalid=True),
            "result_url": self.exchange_url("import_result", row.pk),
            "problems_url": self.exchange_url("import_problems", row.pk),
            "process_url": self.exchange_url("process_import"),
        }
        template = "backoffice/_import_state.html" if request.htmx else "backoffice/import_result.html"
        return self._import_page(request, template, context, status)

    def _refuse(self, request: StaffRequest, why: LazyText, status: int) -> HttpResponse:
        return self._import_page(request, "backoffice/import_refused.html", {"why": why}, status)

    def _import_page(self, request: StaffRequest, template: str, context: dict, status: int = 200) -> HttpResponse:
        things = self.opts.verbose_name_plural
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Import %(things)s") % {"things": things},
            "list_url": self.exchange_url("changelist"),
            "import_url": self.exchange_url("import"),
        }
        return TemplateResponse(request, template, shared | context, status=status)
