"""Two people have one record open: the later of the two overwrites nothing that the earlier one changed.

A form carries the version that it shows. What only somebody else has changed since stays as they made it; where both
changed the same field, the form comes back, says who changed it to what, and the next save decides. A form without a
version, as scripts send it, is taken to show the record as it was when this person last opened it.
"""

from collections.abc import Collection
from datetime import datetime

from django.contrib import admin, messages
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice.formats.lists import listed
from backoffice.models import AccessEvent
from backoffice.records.locks import lock_by_key
from backoffice.records.relations import history_of

SEEN = "_seen"  # the hidden input: when the record that the form shows was last changed


class MergesConcurrentChanges(admin.ModelAdmin):
    """Mixin of the admin of a record with history and `updated_at`."""

    masked_fields: Collection[str]

    def get_object(self, request, object_id, from_field=None):
        """Behind a lock where it is about to be saved: nobody changes or hides it between the look and the save."""
        if request.method == "POST" and connection.in_atomic_block and str(object_id).isdecimal():
            lock_by_key(self.model, [int(object_id)])
        return super().get_object(request, object_id, from_field)

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change, **kwargs)
        if obj is None or request.method != "POST" or not str(request.resolver_match.url_name).endswith("_change"):
            return form
        return type(form.__name__, (_Merging, form), {"request": request, "model_admin": self})

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj:
            # A form that comes back shows what is here now: the next save knows of it.
            context["seen_version"] = obj.updated_at.isoformat()
        return super().render_change_form(request, context, add, change, form_url, obj)


class _Merging:
    """Mixin of a bound form, which is asked for the fields that somebody else has changed."""

    def clean(self):
        cleaned = super().clean()
        cleaned = self.cleaned_data if cleaned is None else cleaned
        changes = changes_since(self.instance, self.request)
        kept = []
        for name, (before, now) in changes.fields.items():
            if name not in self.fields or name not in cleaned:
                continue
            mine = _plain(cleaned[name])
            if mine == before:
                cleaned[name] = getattr(self.instance, name)  # as it is now: nothing typed is in the instance yet
                kept.append(str(self.fields[name].label))
            elif mine != now:
                self.add_error(name, changes.told(name, now, is_masked=name in self.model_admin.masked_fields))
        if kept and not self.errors:
            told = {"who": changes.who, "fields": listed(kept)}
            messages.info(self.request, _("%(who)s changed this meanwhile, and it stays so: %(fields)s.") % told)
        return cleaned


def _plain(value):
    return value.pk if isinstance(value, models.Model) else value


class Changes:
    """What others changed in a record since somebody saw it: by field, (as it was seen, as it is)."""

    def __init__(self, before: models.Model | None = None, last: models.Model | None = None, now=None):
        self.who, self.when, self.fields = "", None, {}
        if before is None or last is None:
            return
        self.who = str(last.history_user or _("Somebody"))
        self.when = timezone.localtime(last.history_date)
        for field in history_of(type(now)).model.tracked_fields:
            was, is_now = getattr(before, field.attname), getattr(now, field.attname)
            if was != is_now and field.name not in ("updated_at", "created_at"):
                self.fields[field.name] = (was, is_now)

    def told(self, name: str, now, *, is_masked: bool) -> str:
        told = {"who": self.who, "when": date_format(self.when, "TIME_FORMAT"), "value": now}
        if is_masked or now in ("", None):
            return _("%(who)s changed this meanwhile, at %(when)s. Save again to have it your way.") % told
        return _("%(who)s changed this to “%(value)s” meanwhile, at %(when)s. Save again to have it your way.") % told


def changes_since(record: models.Model, request) -> Changes:
    """What others have changed since the form that was sent was shown; nothing where nobody knows when that was."""
    history = history_of(type(record)).filter(**{record._meta.pk.attname: record.pk})
    seen = parse_datetime(request.POST.get(SEEN, "")) if request.POST.get(SEEN) else None
    if seen is not None and seen == record.updated_at:
        return Changes()
    if seen is None:
        seen = last_look(record, request)
        if seen is None or not history.filter(history_date__gt=seen).exclude(history_user=request.user).exists():
            return Changes()
        before = history.filter(history_date__lte=seen).order_by("-history_id").first()
    else:
        before = history.filter(updated_at__lte=seen).order_by("-history_id").first()
    return Changes(before, history.order_by("-history_id").first(), record)


def last_look(record: models.Model, request) -> datetime | None:
    """When this person last opened the record."""
    looks = AccessEvent.objects.filter(
        user=request.user,
        action=AccessEvent.Action.VIEW,
        content_type=ContentType.objects.get_for_model(record),
        object_id=record.pk,
    )
    return looks.order_by("-at").values_list("at", flat=True).first()
