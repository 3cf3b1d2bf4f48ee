"""What hiding a record touches, and what stands in the way of bringing one back."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db.models import BaseConstraint, Model, QuerySet, UniqueConstraint
from django.utils.translation import gettext as _

from backoffice.formats.lists import in_turn
from backoffice.readers import Reader
from backoffice.records.mixins import Hideable, HideableQuerySet
from backoffice.records.relations import may_view, pointing_at
from backoffice.sealing.fields import SealedOnce


@dataclass(frozen=True)
class Obstacle:
    """Why `row` cannot come back, and the visible record that has its place, where one can be named."""

    row: Model
    why: str
    other: Model | None = None


def tied_to(queryset: QuerySet, user: Reader) -> list[tuple[int, str]]:
    """How many of what stays visible though they point at these rows; only the kinds that this person may view."""
    found = []
    for relation in pointing_at(queryset.model):
        child = relation.related_model
        if not issubclass(child, Hideable) or not may_view(user, child):
            continue
        rows = (
            child.objects.visible()
            .order_by()
            .filter(**{f"{relation.field.name}__in": queryset.order_by().values("pk")})
        )
        if n := rows.count():
            opts = child._meta
            found.append((n, str(opts.verbose_name if n == 1 else opts.verbose_name_plural)))
    return found


def obstacles_to(rows: Sequence[Hideable] | HideableQuerySet, most: int) -> list[Obstacle]:
    """Why these hidden rows cannot be visible again, each for itself: the first so many."""
    found = []
    for row in rows:
        row.hidden_at = None
        for constraint in row._meta.constraints:
            try:
                constraint.validate(type(row), row)
            except ValidationError as error:
                found.append(Obstacle(row, in_turn(error.messages), _holder(row, constraint)))
        if len(found) >= most:
            break
    return found or [
        Obstacle(row, _("Two of these cannot both be visible: restore one at a time.")) for row in rows[:1]
    ]


def _holder(row: Hideable, constraint: BaseConstraint) -> Hideable | None:
    """The visible row that has the place that this one wants."""
    fields = [constraint.field] if isinstance(constraint, SealedOnce) else getattr(constraint, "fields", ())
    if not isinstance(constraint, UniqueConstraint) or not fields:
        return None
    same = {name: getattr(row, name) for name in fields}
    visible = type(row).objects.visible().filter(**same).exclude(pk=row.pk)
    return (visible.filter(constraint.condition) if constraint.condition else visible).first()
