"""Two people have one record open: the later of the two overwrites nothing that the earlier one changed.

A form carries the version that it shows. What only somebody else has changed since stays as they made it; where both
changed the same field, the form comes back, says who changed it to what, and the next save decides. A form without a
version, as scripts send it, is taken to show the record as it was when this person last opened it. Rows of other tables
on the record's page are compared in the same way: see concurrent_rows.py.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django import forms
from django.contrib.admin.options import InlineModelAdmin
from django.core import signing
from django.db import connection, models
from django.http import HttpRequest, HttpResponse

from backoffice.admin.base.concurrent_rows import merging_rows
from backoffice.admin.base.giving_back import given_back
from backoffice.admin.base.merging_forms import (
    Changes,
    ChangesToWhatWasShown,
    MergingForm,
    changes_between,
    changes_since_look,
    last_look,
    tell_what_stays,
)
from backoffice.admin.base.taken_meanwhile import TellsWhatIsTaken
from backoffice.records.dates import moment_in
from backoffice.records.locks import lock_by_key
from backoffice.records.numbers import number_in
from backoffice.records.relations import field_of

SALT = "backoffice.what_was_shown"
SEEN = "_seen"  # the hidden input: the version that the form shows


class MergesForms(TellsWhatIsTaken):
    """Base of the two below, which differ in what a version is."""

    masked_fields: Collection[str]

    def version_shown(self, form: forms.ModelForm, record: Any) -> str:
        """What a form says of the record that it shows."""
        raise NotImplementedError

    def changes_since(self, seen: str, record: Any) -> Changes:
        """What others have changed since the form that says this was shown."""
        raise NotImplementedError

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Behind a lock where it is about to be saved: nobody changes or hides it between the look and the save."""
        if request.method == "POST" and connection.in_atomic_block and (key := number_in(str(object_id))):
            lock_by_key(self.model, [key])
        return super().get_object(request, object_id, from_field)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None or not _is_a_sent_form(request):
            return form
        known = {"request": request, "model_admin": self, "masked_fields": self.masked_fields}
        return type(form.__name__, (_Merging, form), known)

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
            # A form that comes back shows what is here now: the next save knows of it. One that is given back after
            # signing in was compared with nothing yet.
            shown = self.version_shown(context["adminform"].form, obj)
            context["seen_version"] = given_back(request).get(SEEN) or shown
        return super().render_change_form(request, context, add, change, form_url, obj)


class MergesConcurrentChanges(MergesForms):
    """Mixin of the admin of a record with history and `updated_at`."""

    def version_shown(self, form: forms.ModelForm, record: Any) -> str:
        return record.updated_at.isoformat()

    def changes_since(self, seen: str, record: Any) -> Changes:
        when = moment_in(seen)
        return Changes() if when in (None, record.updated_at) else changes_between(record, when)

    def get_formsets_with_inlines(
        self, request: HttpRequest, obj: Any = None
    ) -> Iterator[tuple[type[forms.BaseModelFormSet], InlineModelAdmin]]:
        for formset, inline in super().get_formsets_with_inlines(request, obj):
            is_typed_in = obj is not None and inline.has_change_permission(request, obj)
            yield merging_rows(formset, request) if is_typed_in else formset, inline


class MergesWhatWasShown(MergesForms):
    """Mixin of the admin of a record whose history does not keep all of it: the form carries what its inputs showed."""

    def version_shown(self, form: forms.ModelForm, record: Any) -> str:
        # Not from the record at hand: what was typed is in it already.
        now = self.model._base_manager.get(pk=record.pk)
        shown = form_values(now, [name for name, field in form.fields.items() if not field.disabled])
        return signing.dumps(shown, salt=SALT)

    def changes_since(self, seen: str, record: Any) -> Changes:
        try:
            shown = signing.loads(seen, salt=SALT)
        except signing.BadSignature:  # of no page of ours
            return Changes()
        return ChangesToWhatWasShown(record, shown, form_values(record, shown))


def form_values(record: models.Model, names: Iterable[str]) -> dict:
    """What a form shows of the record, as JSON keeps it: of several others, their keys."""
    fields = [field_of(type(record), name) for name in names]
    return {
        field.name: sorted(getattr(record, field.name).values_list("pk", flat=True))
        if field.many_to_many
        else getattr(record, field.attname)
        for field in fields
    }


def _is_a_sent_form(request: HttpRequest) -> bool:
    page = request.resolver_match
    return request.method == "POST" and page is not None and str(page.url_name).endswith("_change")


class _Merging(MergingForm):
    model_admin: MergesForms

    def changes_meanwhile(self) -> Changes:
        if seen := self.request.POST.get(SEEN):
            return self.model_admin.changes_since(seen, self.instance)
        return changes_since_look(self.instance, last_look(self.instance, self.request), self.request)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.kept:
            tell_what_stays(self.request, self.changes.who, self.kept)
        return cleaned
