"""Filters for lists of what happened on some day, in the clinic's time zone."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from backoffice.lazy import LazyText
from backoffice.records.dates import midnight
from backoffice.records.fields import DayField

BY = "by"


class DayRangeForm(forms.Form):
    first = DayField(label=_("From"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    last = DayField(label=_("To"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))


class DayRangeFilter(admin.ListFilter):
    """Two days, both included; either may be empty. Subclasses name the `field`: a date, or a moment.

    A list has one of these at most: its parameters are `first` and `last`. Links ask for days of another moment by a
    third one, `by`, which names one of its `moments`: the field, and what the filter is called then.
    """

    title: LazyText = _("days")
    template = "admin/day_range_filter.html"
    field: str
    moments: ClassVar[Mapping[str, tuple[str, LazyText]]] = {}

    def __init__(
        self,
        request: HttpRequest,
        params: dict[str, list[str]],
        model: type[models.Model],
        model_admin: admin.ModelAdmin,
    ) -> None:
        super().__init__(request, params, model, model_admin)
        [self.by] = params.pop(BY, [""])[-1:] if self.moments else [""]
        self.field, self.title = self.moments.get(self.by, (self.field, self.title))
        self.form = DayRangeForm({name: params.pop(name)[-1] for name in self.expected_parameters() if name in params})

    def expected_parameters(self) -> list[Any]:
        return list(DayRangeForm.base_fields)

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[Mapping[str, object]]:
        """What is asked for most, with one press each. Beside it stands a form for any other days."""
        own = {*self.expected_parameters(), PAGE_VAR}
        self.kept = [
            (name, value) for name, values in changelist.filter_params.items() if name not in own for value in values
        ]
        yield {
            "selected": not any(self.chosen()),
            "query_string": changelist.get_query_string(remove=self.expected_parameters()),
            "display": _("Any day"),
        }
        for title, first, last in self.ranges(timezone.localdate()):
            yield {
                "selected": self.chosen() == (first, last),
                "query_string": changelist.get_query_string({"first": str(first), "last": str(last)}),
                "display": title,
            }

    def ranges(self, today: datetime.date) -> list[tuple]:
        """(title, first day, last day) of what is asked for most."""
        day = datetime.timedelta(days=1)
        return [
            (_("Today"), today, today),
            (_("Yesterday"), today - day, today - day),
            (_("Last 7 days"), today - 6 * day, today),
            (_("This month"), today.replace(day=1), today),
        ]

    @property
    def summary(self) -> str:
        """The chosen days, as the closed filter says them."""
        first, last = (date_format(day, "SHORT_DATE_FORMAT") if day else "" for day in self.chosen())
        return first if first == last else f"{first} – {last}"

    def chosen(self) -> tuple[datetime.date | None, datetime.date | None]:
        cleaned = self.form.cleaned_data if self.form.is_valid() else {}
        return cleaned.get("first"), cleaned.get("last")

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        if not self.form.is_valid() or self.by not in ("", *self.moments):
            raise IncorrectLookupParameters
        first, last = self.chosen()
        return queryset.filter(**self.lookups(queryset.model, first, last))

    def lookups(self, model: type[models.Model], first: datetime.date | None, last: datetime.date | None) -> dict:
        """Comparisons that an index answers: a moment is compared with midnights, not turned into a day first."""
        if is_moment(model, self.field):
            beyond = last + datetime.timedelta(days=1) if last and last < datetime.date.max else None
            bounds = {f"{self.field}__gte": first and midnight(first), f"{self.field}__lt": beyond and midnight(beyond)}
        else:
            bounds = {f"{self.field}__gte": first, f"{self.field}__lte": last}
        return {lookup: value for lookup, value in bounds.items() if value is not None}


def is_moment(model: type[models.Model], path: str) -> bool:
    """Whether the field at `path` (through relations, such as session__date) is a date with a time."""
    return isinstance(get_fields_from_path(model, path)[-1], models.DateTimeField)
