"""Rows of a table of inputs, of which somebody else has changed some since the page was shown.

The formset carries the version of each row that it shows, and each row is merged as a record's own form is. A row that
is gone says who took it away: saved again, it stays away. Rows that came meanwhile are left alone, and told of.
"""

from datetime import datetime
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.db import connection
from django.db.models import Model, QuerySet
from django.forms.formsets import ManagementForm
from django.forms.utils import ErrorDict
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from backoffice.admin.base.giving_back import given_back
from backoffice.admin.base.merging_forms import (
    Changes,
    MergingForm,
    changes_between,
    changes_since_look,
    last_look,
    tell_what_stays,
    who_and_when,
)
from backoffice.formats.lists import listed
from backoffice.records.dates import moment_in
from backoffice.records.locks import lock_by_key
from backoffice.records.numbers import number_in
from backoffice.records.relations import history_of

Formset = TypeVar("Formset", bound=forms.BaseModelFormSet)

SEEN_ROWS = "SEEN"  # in the management form: `<key>:<when it was last changed>` of each row


def merging_rows(formset: type[Formset], request: HttpRequest) -> type[Formset]:
    row = type(formset.form.__name__, (_MergingRow, formset.form), {"request": request})
    return type(formset.__name__, (MergesRows, formset), {"request": request, "form": row})


class _ShownAnew(forms.CharField):
    """A hidden value that the page writes, never one that came in."""

    widget = forms.HiddenInput

    def bound_data(self, data: Any, initial: Any) -> Any:
        return initial


class _MergingRow(MergingForm):
    seen: datetime | None = None  # when the row that was shown was last changed
    looked_at: datetime | None = None  # where nobody says so: when this person last opened the record whose row it is
    why_gone: str | None = None  # "" where it was told already

    def changes_meanwhile(self) -> Changes:
        if self.looked_at:
            return changes_since_look(self.instance, self.looked_at, self.request)
        return changes_between(self.instance, self.seen) if self.seen else Changes()

    def has_changed(self) -> bool:
        return self.why_gone is None and super().has_changed()

    def full_clean(self) -> None:
        if self.why_gone is None:
            super().full_clean()
            return
        self._errors, self.cleaned_data, self.kept = ErrorDict(renderer=self.renderer), {}, []
        if self.why_gone:
            self.add_error(None, self.why_gone)


class MergesRows(forms.BaseModelFormSet):
    """Mixin of a formset of hideable records with history and `updated_at`."""

    request: HttpRequest
    model: type[Model]
    queryset: QuerySet
    instance: Any  # whose rows they are, where they are one record's

    @cached_property
    def management_form(self) -> ManagementForm:
        form = super().management_form
        form.fields[SEEN_ROWS] = _ShownAnew(required=False, initial=self._versions)
        return form

    def _versions(self) -> str:
        if given_back(self.request):
            return self._sent or ""
        return " ".join(f"{row.instance.pk}:{row.instance.updated_at.isoformat()}" for row in self._rows_that_are_there)

    @property
    def _rows_that_are_there(self) -> list[forms.ModelForm]:
        return [row for row in self.initial_forms if row.instance.pk]

    @property
    def _sent(self) -> str | None:
        """None where a script sent the form, which knows of no versions."""
        return self.data.get(f"{self.prefix}-{SEEN_ROWS}")

    @cached_property
    def _looked_at(self) -> datetime | None:
        owner = getattr(self, "instance", None)  # a list, or the survey, is of nobody's
        return last_look(owner, self.request) if owner is not None else None

    @cached_property
    def _seen(self) -> dict[str, str]:
        return dict(version.partition(":")[::2] for version in (self._sent or "").split())

    def get_queryset(self) -> Any:
        if self.is_bound and "forms" in self.__dict__:
            return [row.instance for row in self.initial_forms]  # in step with the forms, also where a row is gone
        if self.is_bound and connection.in_atomic_block and not hasattr(self, "_queryset"):
            lock_by_key(self.model, self.queryset.order_by().values_list("pk", flat=True))  # as they are until the save
        return super().get_queryset()

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)  # type: ignore[misc]  # the stubs leave it out
        if self.request.method != "POST" or not self.is_bound or i >= self.initial_form_count():
            return form
        key = self.data.get(f"{self.add_prefix(i)}-{self.model._meta.pk.name}", "")
        if form.instance.is_hidden and any(field.html_name in self.data for field in form.visible_fields()):
            # A page that knows of it has its inputs switched off, and sends nothing.
            form.why_gone = self._why_gone(key)
        elif form.instance.pk is None:
            form.why_gone = self._why_gone(key) if key in self._seen or self._sent is None else ""
        elif self._sent is None:
            form.looked_at = self._looked_at
        else:
            seen = moment_in(self._seen.get(key, "")) if self._seen.get(key) else None
            form.seen = seen if seen != form.instance.updated_at else None
        return form

    def _why_gone(self, key: str) -> str:
        versions = history_of(self.model).filter(**{self.model._meta.pk.attname: number_in(key)})
        if fk := getattr(self, "fk", None):
            versions = versions.filter(**{fk.attname: self.instance.pk})
        last = versions.order_by("-history_id").first()
        if last is None or last.hidden_at is None:
            return _("This row is not there any more. Nothing was saved. Save again to save the rest.")
        told = {"who": who_and_when(last)[0], "row": last.instance}
        return (
            _("%(who)s has hidden “%(row)s” since you looked. Nothing was saved. Save again to save the rest.") % told
        )

    def clean(self) -> None:
        super().clean()
        if self.request.method != "POST":
            return
        kept: dict[str, list[str]] = {}
        rows: list[Any] = self.initial_forms
        for row in rows:
            if row.kept:
                kept.setdefault(row.changes.who, []).extend(row.kept)
        for who, names in kept.items():
            tell_what_stays(self.request, who, names)
        came = [row for key, row in getattr(self, "_object_dict", {}).items() if str(key) not in self._seen]
        if self._sent is not None and came:
            told = {"rows": listed(came)}
            messages.info(self.request, _("This came meanwhile, and stays: %(rows)s.") % told)
