"""What the list shows, as a file."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import IGNORED_PARAMS, SEARCH_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base.exchange_access import ExchangeAccess
from backoffice.admin.base.hiding import HiddenFilter
from backoffice.admin.base.import_files import XLSX
from backoffice.exchange.column_names import called
from backoffice.exchange.columns import ExchangeField
from backoffice.exchange.exporting import TooLargeError, dated, stream_csv, write_xlsx
from backoffice.formats.lists import told_of
from backoffice.lazy import LazyText
from backoffice.models import AccessEvent
from backoffice.web.media import send_private

COUNTED = 100_000  # rows; beyond it, the page says “more than”


STABLE, OWN = "stable", "own"


class ExportForm(forms.Form):
    """As which kind of file, under which names, and which columns: `fields` are those that there are."""

    fields: dict[str, Any]

    file_format = forms.ChoiceField(
        label=_("File"),
        choices=[("xlsx", _("XLSX, for Excel and its like")), ("csv", _("CSV, also for very many rows"))],
        initial="xlsx",
        widget=forms.RadioSelect,
    )
    names = forms.ChoiceField(
        label=_("Names of columns and choices"),
        choices=[
            (STABLE, _("The same always, in English: for other programs")),
            (OWN, _("As on these pages, in your language")),
        ],
        initial=STABLE,
        required=False,
        widget=forms.RadioSelect,
    )
    columns = forms.MultipleChoiceField(
        label=_("Columns"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one column.")},
    )

    def __init__(self, fields: list[ExchangeField], data: QueryDict | None = None) -> None:
        titles = called(fields, get_language())
        super().__init__(data, initial={"columns": list(titles), "file_format": "xlsx", "names": STABLE})
        self.fields["columns"].choices = list(titles.items())


class ExportPages(ExchangeAccess):
    """Mixin of ExchangeAdmin: the list's own filters, search and order, taken from the same query string."""

    @admin.action(description=_("Export"))
    def export_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse:
        if request.POST.get("select_across") == "1":
            return redirect(f"{self.exchange_url('export')}?{request.GET.urlencode()}")
        pks = ",".join(str(pk) for pk in queryset.values_list("pk", flat=True))
        query = request.GET.copy()
        query["pk__in"] = pks
        return redirect(f"{self.exchange_url('export')}?{query.urlencode()}")

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            shown = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return redirect(self.exchange_url("export"))
        resource = self.resource()
        form = ExportForm(resource.get_export_fields(), request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                return self._download(request, shown.queryset, **form.cleaned_data)
            except TooLargeError as error:
                form.add_error(None, str(error))
        return self._export_page(request, shown, form)

    def _download(
        self, request: HttpRequest, queryset: QuerySet, *, file_format: str, names: str, columns: list[str]
    ) -> HttpResponseBase:
        """Raises TooLargeError."""
        resource, language = self.resource(), get_language() if names == OWN else None
        resource.fields = {name: field for name, field in resource.fields.items() if field.column_name in columns}
        if file_format == "csv":
            response = stream_csv(resource, queryset, str(self.opts.model_name), language)
        else:
            file = write_xlsx(resource, queryset, language)
            response = send_private(file, content_type=XLSX, download_as=dated(str(self.opts.model_name), "xlsx"))
        AccessEvent.objects.record(request, AccessEvent.Action.EXPORT, self.model())
        return response

    def _export_page(self, request: HttpRequest, shown: ChangeList, form: ExportForm) -> HttpResponse:
        count = shown.queryset.order_by()[: COUNTED + 1].count()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Export %(things)s") % {"things": self.opts.verbose_name_plural},
            "list_url": self.exchange_url("changelist") + shown.get_query_string(),
            "form": form,
            "count": min(count, COUNTED),
            "are_more": count > COUNTED,
            "narrowed_by": narrowed_by(shown),
            "leaves_hidden_out": HiddenFilter in shown.list_filter and not request.GET.get(HiddenFilter.parameter_name),
        }
        return TemplateResponse(request, "backoffice/export.html", context)


def narrowed_by(shown: ChangeList) -> list[LazyText]:
    """The search, the filters and the choice of rows that a list stands under, in words."""
    words: list[LazyText] = [_("search: %(text)s") % {"text": shown.query}] if shown.query else []
    for spec in shown.filter_specs:
        words += [
            told_of(spec.title, choice["display"])
            for number, choice in enumerate(spec.choices(shown))
            if choice["selected"] and number  # the first is always “all”
        ]
    said = {SEARCH_VAR, *IGNORED_PARAMS}.union(*(spec.expected_parameters() for spec in shown.filter_specs))
    for name, value in shown.params.items():
        if name == "pk__in":
            words.append(_("the rows that you chose"))
        elif name not in said:  # part of a day, or a link's own lookup
            words.append(told_of(name.replace("__", " ").replace("_", " "), value))
    return words
