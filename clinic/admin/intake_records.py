from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from backoffice.admin import AuditedAdmin, ReadOnlyAdmin
from backoffice.admin.base.changelists import FastChangeList
from backoffice.admin.base.filters import DayRangeFilter
from backoffice.admin.base.list_as_csv import ListAsCsv
from backoffice.exchange.columns import Row
from backoffice.models import AccessEvent
from backoffice.records.search import through
from backoffice.web.admin_urls import admin_url
from clinic.admin.national_id import may_reveal
from clinic.admin.patients import FoundByPatient, PatientAdmin
from clinic.intake.table import Column, Rows, columns, lines
from clinic.models import Appointment, IntakeRecord, Patient, Symptom, may_name_hidden

TITLE_LENGTH = 32


class VisitFilter(DayRangeFilter):
    field = "date"


class SymptomFilter(admin.SimpleListFilter):
    """By what was ticked, not by the text that the record makes of it."""

    title = _("symptom")
    parameter_name = "symptom"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(str(symptom.pk), symptom.shown_name) for symptom in Symptom.objects.all()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        chosen = self.value()
        if chosen is None:
            return queryset
        if chosen not in dict(self.lookup_choices):
            raise IncorrectLookupParameters
        # Not a join: a page in the order of the days then needs only the few records it shows.
        ticked = Appointment.symptoms.through.objects.filter(symptom=int(chosen), appointment=OuterRef("appointment"))
        return queryset.filter(Exists(ticked))


class IntakeTable(FastChangeList):
    """The list, in the order of one column at a time, those without a value there last."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet) -> list[Any]:
        return []  # `rows` brings the order

    def get_ordering_field_columns(self) -> dict[int, Any]:
        chosen = super().get_ordering_field_columns()
        return {index: way for index, way in list(chosen.items())[:1] if self._has_order(index)}

    def _has_order(self, index: int) -> bool:
        cells: Sequence[Any] = self.list_display
        return 0 <= index < len(cells) and bool(cells[index].column.order)

    def get_results(self, request: HttpRequest) -> None:
        self.rows = self._rows()
        page = self.open_page(request, self.rows, more=self.rows.are_more_than_listed)
        self.result_list = page.object_list
        self.show_admin_actions = self.can_show_all = False

    def _rows(self) -> Rows:
        for index, way in self.get_ordering_field_columns().items():
            cell: Any = self.list_display[index]
            return Rows(self.queryset, cell.column, descending=way == "desc")
        return Rows(self.queryset)


@admin.register(IntakeRecord)
class IntakeRecordAdmin(ListAsCsv, AuditedAdmin, ReadOnlyAdmin, FoundByPatient):
    """The flat table, to read: it is derived, and changes when the appointment does."""

    list_filter = [VisitFilter, "period", SymptomFilter]
    empty_text = _("Nothing yet: each appointment gets a row here, with what the patient answered.")
    search = through("patient", PatientAdmin.search)
    search_help_text = PatientAdmin.search_help_text
    csv_name = "intake"
    change_list_template = "clinic/admin_intake.html"

    class Media:
        css = {"all": ["clinic/admin_intake.css"]}

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [cell_of(column) for column in columns(names_hidden=may_name_hidden(request.user))]

    def get_sortable_by(self, request: HttpRequest) -> None:  # type: ignore[override]  # the stubs know no “every”
        return None  # every column

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return IntakeTable

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Here is what patients answered, on no page of its own: so each look at the table is noted."""
        may = {"may_reveal": may_reveal(request.user)}
        response = super().changelist_view(request, may | (extra_context or {}))
        if response.status_code == 200:
            AccessEvent.objects.record(request, AccessEvent.Action.VIEW, IntakeRecord)
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What a record says is changed on its appointment, and looking at that is audited."""
        record = self.get_object(request, unquote(object_id))
        if record is None or not self.has_view_permission(request, record):
            return super().change_view(request, object_id, form_url, extra_context)
        return redirect(admin_url(Appointment, "change", record.appointment_id))

    def csv_rows(  # type: ignore[override]  # what `get_changelist` names
        self, request: HttpRequest, shown: IntakeTable
    ) -> Iterator[Sequence]:
        """Sent with `national_id=whole`, it reveals the IDs of all in it, and each of them has that in the trail."""
        names_hidden, revealed_of = may_name_hidden(request.user), set()
        if request.POST.get("national_id") == "whole":
            if not may_reveal(request.user):
                raise PermissionDenied
            with_one = shown.queryset.exclude(patient__national_id="").order_by()
            if not names_hidden:
                with_one = with_one.filter(patient__hidden_at=None)
            revealed_of.update(with_one.values_list("patient_id", flat=True).distinct())
            AccessEvent.objects.record_each(request, AccessEvent.Action.REVEAL, Patient, sorted(revealed_of))
        return lines(columns(names_hidden=names_hidden, revealed_of=revealed_of), shown.rows)


def cell_of(column: Column) -> Callable[[Row], object]:
    """The column as the list wants it: a function of the row, with what the list asks about it."""

    @admin.display(ordering=column.order[0] if column.order else None, description=short(str(column.title)))
    def cell(row: Row) -> Any:
        return column.value(row)

    cell.column = column  # type: ignore[attr-defined]  # for whoever draws it
    cell.__name__ = column.name
    return cell


def short(title: str) -> str:
    """A title that leaves room for the others, with the whole one where the pointer rests."""
    cut = Truncator(title).chars(TITLE_LENGTH)
    return title if cut == title else format_html('<abbr title="{}">{}</abbr>', title, cut)
