"""A bound form beside what others have changed in its record since it was shown."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from simple_history.models import HistoricalChanges

from backoffice.formats.lists import listed
from backoffice.models import AccessEvent
from backoffice.models.users import person_of
from backoffice.readers import Reader
from backoffice.records.diffs import Words, told_fields
from backoffice.records.relations import field_of, history_of


class Changes:
    """What others changed in a record between two versions of it; nothing where either is missing."""

    def __init__(self, before: HistoricalChanges | None = None, last: HistoricalChanges | None = None) -> None:
        self.who, self.when, self.before, self.last = "", "", before, last
        self.changed: set[str] = set()
        if before is None or last is None:
            return
        self.who, self.when = who_and_when(last)
        for field in told_fields(type(last)):
            if value_of(before, field.name) != value_of(last, field.name):
                self.changed.add(field.name)

    def of(self, columns: tuple[str, ...]) -> tuple | None:
        """(as they were, as they are) of these columns together; None where nobody changed any."""
        if self.changed.isdisjoint(columns):
            return None
        was, now = (tuple(value_of(version, name) for name in columns) for version in (self.before, self.last))
        return (was, now) if len(columns) > 1 else (was[0], now[0])

    def in_words(self, name: str, field: forms.Field, user: Reader) -> str:
        """What it is now."""
        facts = Words(user, lambda model: ()).facts(self.before, self.last)
        names = [field.name for field in told_fields(type(self.last))]
        return dict(zip(names, facts, strict=True))[name].now

    def told(self, value: str) -> str:
        """That it was changed to this value, in words; only that it was, where they are empty."""
        told = {"who": self.who, "when": self.when, "value": value}
        if not value:
            return _("%(who)s changed this meanwhile, at %(when)s. Save again to have it your way.") % told
        return _("%(who)s changed this to “%(value)s” meanwhile, at %(when)s. Save again to have it your way.") % told


class ChangesToWhatWasShown(Changes):
    """The same where the record's history does not keep all that its form shows: `shown` and `now` are what the inputs
    showed and would show, by field."""

    def __init__(self, record: models.Model, shown: dict, now: dict) -> None:
        super().__init__()
        self.model, self.shown, self.now = type(record), shown, now
        self.changed = {name for name in shown if shown[name] != now[name]}
        if self.changed:
            versions = history_of(type(record)).filter(**{record._meta.pk.attname: record.pk})
            if last := versions.order_by("-history_id").first():
                self.who, self.when = who_and_when(last)

    def of(self, columns: tuple[str, ...]) -> tuple | None:
        [name] = columns
        return (_as_set(self.shown[name]), _as_set(self.now[name])) if name in self.changed else None

    def in_words(self, name: str, field: forms.Field, user: Reader) -> str:
        if isinstance(field, forms.ModelMultipleChoiceField) and field.queryset is not None:
            return listed(map(field.label_from_instance, field.queryset.filter(pk__in=self.now[name])))
        return Words(user, lambda model: ()).say(field_of(self.model, name), self.now[name])


def _as_set(value: object) -> object:
    return frozenset(value) if isinstance(value, list) else value


def who_and_when(version: HistoricalChanges) -> tuple[str, str]:
    when = date_format(timezone.localtime(version.history_date), "TIME_FORMAT")
    return str(version.history_user or _("Somebody")), when


def value_of(version: HistoricalChanges, name: str) -> Any:
    """As it compares: a key for a record, a set of keys for several."""
    field = version.instance_type._meta.get_field(name)
    if field.many_to_many:
        return frozenset(getattr(version, name).values_list(f"{field.m2m_reverse_field_name()}_id", flat=True))
    return getattr(version, field.attname)


def changes_between(record: models.Model, seen: datetime) -> Changes:
    """Since the version of the record that was changed at `seen`."""
    history = history_of(type(record)).filter(**{record._meta.pk.attname: record.pk}).order_by("-history_id")
    return Changes(history.filter(updated_at__lte=seen).first(), history.first())


def last_look(record: models.Model, request: HttpRequest) -> datetime | None:
    """When this person last opened the record."""
    looks = AccessEvent.objects.filter(
        user=person_of(request),
        action=AccessEvent.Action.VIEW,
        content_type=ContentType.objects.get_for_model(record),
        object_id=record.pk,
    )
    return looks.order_by("-at").values_list("at", flat=True).first()


def changes_since_look(record: models.Model, looked_at: datetime | None, request: HttpRequest) -> Changes:
    """What others have changed in the record since this person looked; nothing where nobody knows when that was."""
    history = history_of(type(record)).filter(**{record._meta.pk.attname: record.pk}).order_by("-history_id")
    if looked_at is None or not history.filter(history_date__gt=looked_at).exclude(history_user=request.user).exists():
        return Changes()
    return Changes(history.filter(history_date__lte=looked_at).first(), history.first())


class MergingForm(forms.ModelForm):
    """Mixin of a bound form. `kept` names what only others have changed: it stays as they made it.

    A form whose fields are no columns has `made_of`: field → the columns that it shows.
    """

    request: HttpRequest
    masked_fields: Collection[str] = ()

    def changes_meanwhile(self) -> Changes:
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        self.changes = self.changes_meanwhile()
        self.kept: list[str] = []
        cleaned = super().clean()
        cleaned = self.cleaned_data if cleaned is None else cleaned
        for name in [name for name in self.fields if name in cleaned]:
            columns = getattr(self, "made_of", {}).get(name, (name,))
            if (both := self.changes.of(columns)) is None:
                continue
            mine, (was, now) = _plain(cleaned[name]), both
            if mine == was:
                self._keep(cleaned, name, columns, now)
            elif mine != now:
                self.add_error(name, self.changes.told(self._in_words(name, columns, now)))
        return cleaned

    def _in_words(self, name: str, columns: tuple[str, ...], now: Any) -> str:
        if name in self.masked_fields or now in ("", None, frozenset()):
            return ""
        if columns == (name,):
            return self.changes.in_words(name, self.fields[name], person_of(self.request))
        return str(self.get_initial_for_field(self.fields[name], name))  # as the form shows what is here now

    def _keep(self, cleaned: dict, name: str, columns: tuple[str, ...], now: Any) -> None:
        if columns == (name,):
            value = getattr(self.instance, name)  # as it is now: nothing typed is in the instance yet
            cleaned[name] = value.all() if isinstance(now, frozenset) else value
        else:
            for column, value in zip(columns, now, strict=True):
                setattr(self.instance, column, value)
        # Also where the form has to be shown again.
        self.fields[name].bound_data = lambda data, initial: initial  # type: ignore[method-assign]  # of this one alone
        if name in self.changed_data:
            self.changed_data.remove(name)
        self.kept.append(str(self.fields[name].widget.attrs.get("aria-label") or self.fields[name].label))


def _plain(value: object) -> object:
    if isinstance(value, models.QuerySet):
        return frozenset(row.pk for row in value)
    return value.pk if isinstance(value, models.Model) else value


def tell_what_stays(request: HttpRequest, who: str, names: Iterable[str]) -> None:
    told = {"who": who, "fields": listed(names)}
    messages.info(request, _("%(who)s changed this meanwhile, and it stays so: %(fields)s.") % told)
