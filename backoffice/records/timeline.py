"""The history of a record and of everything that hangs on it, as one timeline, newest first.

One query finds which versions a page shows, whatever tables they are in and however many there are; a few more per
table fetch them.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db.models import CharField, Model, OuterRef, QuerySet, Subquery, Value
from simple_history.models import HistoricalChanges

from backoffice.readers import Reader
from backoffice.records import withheld
from backoffice.records.relations import history_of, may_change, may_view, pointing_at

DEPTH = 2  # what points at a record, and what points at that: the answers of a patient's visit
PER_PAGE = 50


@dataclass(frozen=True)
class Change:
    """One version of one record, and the version before it, None for the first."""

    model: type[Model]
    version: HistoricalChanges
    before: HistoricalChanges | None


@dataclass(frozen=True)
class Page:
    changes: list[Change]
    has_older: bool


class Timeline:
    """Of the records `pks` of `model`, as `reader` may be told it: of what hangs on them only what they may see, and
    hidden records only where they could bring them back.

    `leave_out` names relations of `model` that are not followed, such as a million answers to one question. `by` is the
    key of the one person whose changes are asked for.
    """

    def __init__(
        self,
        model: type[Model],
        pks: Collection[int],
        *,
        reader: Reader,
        leave_out: Collection[str] = (),
        by: int | None = None,
    ) -> None:
        self.model, self.pks, self.reader = model, list(pks), reader
        self.leave_out, self.by = leave_out, by

    def page(self, number: int) -> Page:
        """The versions of page `number`, from 1."""
        first = (number - 1) * PER_PAGE
        found = list(self._all()[first : first + PER_PAGE + 1])
        changes = self._fetched(found[:PER_PAGE])
        return Page(changes, has_older=len(found) > PER_PAGE)

    # -- Which versions -----------------------------------------------------------------------------------------------

    def _all(self) -> QuerySet:
        """(time, key, label of the model) of every version, newest first."""
        first, *others = [_keys(model, versions) for model, versions in self._sources()]
        return first.union(*others).order_by("-history_date", "-history_id", "label")

    def _sources(self) -> Iterator[tuple[type[Model], QuerySet]]:
        own = {f"{self.model._meta.pk.attname}__in": self.pks}
        for model, versions in [(self.model, history_of(self.model).filter(**own)), *self._below(self.model, self.pks)]:
            told = withheld.told_to(self.reader, model, versions)
            yield model, told if self.by is None else told.filter(history_user_id=self.by)

    def _below(
        self, model: type[Model], keys: Collection[int] | QuerySet, depth: int = DEPTH
    ) -> Iterator[tuple[type[Model], QuerySet]]:
        for relation in pointing_at(model):
            child, link = relation.related_model, relation.field.name
            if not may_view(self.reader, child) or (
                model is self.model and relation.get_accessor_name() in self.leave_out
            ):
                continue
            every, versions = self._known(child)
            rows = every.filter(**{f"{link}__in": keys}).values("pk")
            # Two sources, for one with OR would read the whole table: what was here then, and all of what is here now.
            yield child, versions.filter(**{f"{link}__in": keys})
            yield child, versions.filter(**{f"{child._meta.pk.attname}__in": rows})
            if depth > 1:
                yield from self._below(child, rows, depth - 1)

    def _known(self, model: type[Model]) -> tuple[QuerySet, QuerySet]:
        """The records of this model that may be told of, and their versions."""
        rows, versions = model._base_manager.order_by(), history_of(model).all()
        if not hasattr(model, "hidden_at") or may_change(self.reader, model):
            return rows, versions
        hidden = rows.filter(hidden_at__isnull=False).values("pk")
        return rows.filter(hidden_at=None), versions.exclude(**{f"{model._meta.pk.attname}__in": hidden})

    # -- The versions themselves --------------------------------------------------------------------------------------

    def _fetched(self, found: list[tuple]) -> list[Change]:
        changes = {
            (label, change.version.pk): change
            for label in {label for _when, _key, label in found}
            for change in changes_of(apps.get_model(label), [key for _when, key, of in found if of == label])
        }
        return [changes[label, key] for _when, key, label in found]


def _keys(model: type[Model], versions: QuerySet) -> QuerySet:
    label = Value(model._meta.label, output_field=CharField())
    return versions.order_by().annotate(label=label).values_list("history_date", "history_id", "label")


def changes_of(model: type[Model], version_pks: Collection[int]) -> list[Change]:
    """These versions, each with the one before it."""
    history, key = history_of(model), model._meta.pk.attname
    earlier = history.filter(**{key: OuterRef(key)}, history_id__lt=OuterRef("history_id")).order_by("-history_id")
    versions = list(
        history.filter(history_id__in=version_pks)
        .select_related("history_user")
        .annotate(before_id=Subquery(earlier.values("history_id")[:1]))
    )
    before = history.get_queryset().in_bulk([version.before_id for version in versions if version.before_id])
    return [Change(model, version, before.get(version.before_id)) for version in versions]
