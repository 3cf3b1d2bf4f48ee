"""Versions in words: what changed from one to the next, with the fields' titles and the names of what they point at.

An app whose field has words of its own, such as the reasons for a review, gives them with `words_for`.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format, number_format, time_format
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.formats.lists import listed, listed_apart, told_of
from backoffice.live.chips import Tone
from backoffice.records.names import name_for
from backoffice.records.relations import may_view
from backoffice.records.text import masked
from backoffice.records.timeline import Change

LONGEST = 120
DIGITS = 3  # of what was measured or computed: 0.996 says what 0.9955145671064614 says
NOTHING = "–"
# Time stamps change with everything; hiding is told by the kind of the entry, which says who, when and why.
UNTOLD = {"created_at", "updated_at", "hidden_at", "hidden_by", "hide_reason"}


class Kind(models.TextChoices):
    ADDED = "added", gettext_lazy("added")
    CHANGED = "changed", gettext_lazy("changed")
    HIDDEN = "hidden", gettext_lazy("hidden")
    RESTORED = "restored", gettext_lazy("restored")
    REMOVED = "removed", gettext_lazy("removed")

    @property
    def tone(self) -> str:
        return {"added": Tone.GOOD, "hidden": Tone.WAIT, "restored": Tone.GOOD, "removed": Tone.BAD}.get(
            self.value, Tone.QUIET
        )


def kind_of(change: Change) -> Kind:
    version, before = change.version, change.before
    if version.history_type in "+-":
        return Kind.ADDED if version.history_type == "+" else Kind.REMOVED
    was, now = getattr(before, "hidden_at", None), getattr(version, "hidden_at", None)
    if bool(was) != bool(now) and before is not None:
        return Kind.HIDDEN if now else Kind.RESTORED
    return Kind.CHANGED


# -- Values -----------------------------------------------------------------------------------------------------------

_own_words: dict[tuple[type[models.Model], str], Callable[[object], str]] = {}


def words_for(model: type[models.Model], field: str):
    """Decorates the function that puts this field's values in words."""

    def keep(say):
        _own_words[model, field] = say
        return say

    return keep


@dataclass(frozen=True)
class Told:
    """A field that differs, in words."""

    title: str
    old: str
    new: str


@dataclass(frozen=True)
class Fact:
    """A field of one version, and as it is now."""

    title: str
    then: str
    now: str
    differs: bool


class Words:
    """Puts values in words. `user` decides whose names are shown; `masks(model)` names the fields to be masked.

    Names of records are read once for all changes together, one query for each model.
    """

    def __init__(self, user, masks: Callable[[type[models.Model]], Collection[str]]):
        self.user, self.masks = user, masks
        self.names: dict[tuple, str] = {}

    def diffs(self, changes: Iterable[Change]) -> list[list[Told]]:
        """What each change changed; nothing for the first version of a record."""
        changes = list(changes)
        chosen = _chosen(row for change in changes for row in (change.version, change.before) if row is not None)
        raw = [list(_differences(change, chosen)) for change in changes]
        self._learn(
            [
                pair
                for difference in raw
                for field, *values in difference
                for value in values
                for pair in _keys(field, value)
            ]
            + [(change.model, _key(change)) for change in changes]
        )
        return [
            [Told(_title(field), self.say(field, old), self.say(field, new)) for field, old, new in one] for one in raw
        ]

    def facts(self, version: models.Model, current: models.Model) -> list[Fact]:
        """Every field that history keeps: as it was in `version`, and as it is in `current`, the newest version."""
        chosen = _chosen([version, current])
        values = [
            (field, _value(version, field, chosen), _value(current, field, chosen))
            for field in told_fields(type(version))
        ]
        self._learn([pair for field, *both in values for value in both for pair in _keys(field, value)])
        return [
            Fact(_title(field), self.say(field, then), self.say(field, now), then != now) for field, then, now in values
        ]

    def name_of(self, change: Change) -> str:
        return self.names.get((change.model, _key(change)), f"{NOTHING} ({_key(change)})")

    def say(self, field: models.Field, value) -> str:
        """The value as a person reads it."""
        if value in (None, "", (), [], {}):
            return NOTHING
        if field.name in self.masks(field.model):
            return masked(str(value))
        if field.is_relation:
            keys = value if field.many_to_many else [value]
            return listed(self.names.get((field.related_model, key), f"#{key}") for key in keys)
        if own := _own_words.get((field.model, field.name)):
            return own(value)
        return Truncator(plain(field, value)).chars(LONGEST)

    def _learn(self, pairs: Iterable[tuple[type[models.Model], object]]) -> None:
        wanted = defaultdict(set)
        for model, key in pairs:
            if model is get_user_model() or may_view(self.user, model):
                wanted[model].add(key)
        for model, keys in wanted.items():
            # Follows what a record's name is made of, such as the visit's day and the patient's name.
            for key, row in model._base_manager.select_related().in_bulk(keys).items():
                self.names[model, key] = name_for(row, self.user)


def told_fields(history_model: type[models.Model]) -> list[models.Field]:
    """The fields of the record that its history keeps and people read."""
    kept = {field.name for field in history_model.tracked_fields} | {f.name for f in history_model._history_m2m_fields}
    model = history_model.instance_type
    return [
        field
        for field in (*model._meta.fields, *model._meta.many_to_many)
        if field.name in kept and not field.primary_key and field.name not in UNTOLD
    ]


def _differences(change: Change, chosen: dict):
    if change.before is None:
        return
    for field in told_fields(type(change.version)):
        old, new = _value(change.before, field, chosen), _value(change.version, field, chosen)
        if old != new:
            yield field, old, new


def _value(version: models.Model, field: models.Field, chosen: dict):
    if field.many_to_many:
        return tuple(chosen.get((type(version), field.name, version.pk), ()))
    return getattr(version, field.attname)


def _chosen(versions: Iterable[models.Model]) -> dict[tuple, list]:
    """(history's model, field, version) → the keys that the version had chosen: one query for each such field."""
    by_model, chosen = defaultdict(set), defaultdict(list)
    for version in versions:
        by_model[type(version)].add(version.pk)
    for history_model, keys in by_model.items():
        for field in history_model._history_m2m_fields:
            rows = getattr(history_model, field.name).model._base_manager.filter(history__in=keys)
            for version, key in rows.order_by("pk").values_list("history", field.m2m_reverse_field_name()):
                chosen[history_model, field.name, version].append(key)
    return {key: sorted(values) for key, values in chosen.items()}


def _keys(field: models.Field, value) -> list[tuple]:
    """(model, key) of every record that the value names."""
    if not field.is_relation or value in (None, ()):
        return []
    return [(field.related_model, key) for key in (value if field.many_to_many else [value])]


def _key(change: Change):
    return getattr(change.version, change.model._meta.pk.attname)


def _title(field: models.Field) -> str:
    return capfirst(str(field.verbose_name))


def plain(field: models.Field, value) -> str:
    """The value of a field as people read it: choices and ticks as words, days one way, numbers without noise."""
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(field, models.DateTimeField):
        return date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")
    if isinstance(field, models.DateField):
        return date_format(value)
    if isinstance(field, models.TimeField):
        return time_format(value)
    if isinstance(field, models.JSONField):
        return _plainly(value)
    if isinstance(field, models.FloatField):
        return number_format(round(value, DIGITS))
    if isinstance(field, models.DecimalField):
        return number_format(value)
    return str(value)


def _plainly(value) -> str:
    """JSON without its signs: `{"a": [1, 2]}` → “a: 1, 2”."""
    match value:
        case dict():
            pairs = value.items()
            return listed_apart(
                f"{k} ({_plainly(v)})" if isinstance(v, dict) else told_of(k, _plainly(v)) for k, v in pairs
            )
        case list():
            return listed(_plainly(inner) for inner in value)
        case bool():
            return _("yes") if value else _("no")
        case float():
            return number_format(round(value, DIGITS))
        case None:
            return NOTHING
    return str(value)
