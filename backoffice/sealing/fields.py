"""Columns that are sealed: by their name a text or JSON to all code, and a sealed cell to the database.

    national_id = SealedCharField(sealed_as="clinic.patient.national_id", max_length=20)

`sealed_as` is what its cells are bound to, and stays when a table is renamed; the history of a model has the same. The
whole value is found (`exact`, `in`, by its index); what a hash does not tell, such as how a value begins, is refused by
a FieldError.
"""

import json
from typing import Any

from django.core.exceptions import EmptyResultSet, FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.constraints import UniqueConstraint
from django.db.models.lookups import IsNull, Lookup

from backoffice.sealing.cells import MARK, indexes, seal, unseal


class IndexOf(models.Func):
    """What a sealed cell is found by; written out, for a database compares it with that of its index."""

    template = f"SUBSTR(%(expressions)s, 1, {MARK})"
    output_field = models.CharField()


class GuardOf(models.Func):
    template = f"SUBSTR(%(expressions)s, {MARK + 1}, {MARK})"
    output_field = models.CharField()


class _Equal(Lookup):
    """`exact` and `in`: the index is one of the values'."""

    prepare_rhs = False

    def get_prep_lookup(self) -> list[str]:
        values = self.rhs if self.lookup_name == "in" else [self.rhs]
        if hasattr(values, "resolve_expression") or any(hasattr(value, "resolve_expression") for value in values):
            raise FieldError(f"{self.field} is sealed: it is compared with values, not with columns or queries.")
        field = self.field
        return indexes(map(field.as_text, values), field.sealed_as)

    @property
    def field(self) -> "Sealed":
        return self.lhs.output_field

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        if not self.rhs:
            raise EmptyResultSet
        column, params = self.process_lhs(compiler, connection)
        places = ", ".join(["%s"] * len(self.rhs))
        among = f"= {places}" if len(self.rhs) == 1 else f"IN ({places})"
        return f"SUBSTR({column}, 1, {MARK}) {among}", (*params, *self.rhs)


class _Exact(_Equal):
    lookup_name = "exact"


class _In(_Equal):
    lookup_name = "in"


class Sealed(models.Field):
    """Mixin of a field whose column is sealed."""

    nothing = ""
    """The text of what stands in the place of a value whose key is lost for good."""

    def __init__(self, *args: Any, sealed_as: str = "", **kwargs: Any) -> None:
        self.sealed_as = sealed_as
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, kwargs | {"sealed_as": self.sealed_as}

    def get_internal_type(self) -> str:
        return "TextField"

    def as_text(self, value: Any) -> str:
        return str(value)

    def from_text(self, text: str) -> Any:
        return text

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else seal(self.as_text(value), self.sealed_as)

    def from_db_value(self, cell: str | None, *args: Any) -> Any:
        return None if cell is None else self.from_text(unseal(cell, self.sealed_as))

    def get_lookup(self, lookup_name: str) -> type[Lookup]:
        known = {"exact": _Exact, "in": _In, "isnull": IsNull}
        if lookup_name not in known:
            raise FieldError(f"{self} is sealed: only the whole value is found, by exact or in, not by {lookup_name}.")
        return known[lookup_name]

    def get_transform(self, lookup_name: str) -> None:
        raise FieldError(f"{self} is sealed: there is no {lookup_name} of it.")


class SealedCharField(Sealed, models.CharField):
    """A line of text, empty where there is none."""


class SealedJSONField(Sealed, models.Field):
    """What JSON can say. It is read as a whole, and found by nothing."""

    nothing = "{}"

    def as_text(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    def from_text(self, text: str) -> Any:
        return json.loads(text) if text else None


class SealedOnce(UniqueConstraint):
    """One row alone, of those that meet `condition`, has this value of a sealed field.

    Every field has two of these, the second `by_guard`: while keys change, rows of before and after meet in one.
    """

    def __init__(self, *, field: str, by_guard: bool = False, **options: Any) -> None:
        self.field, self.by_guard = field, by_guard
        super().__init__((GuardOf if by_guard else IndexOf)(field), **options)

    def deconstruct(self) -> Any:
        path, _expressions, kwargs = super().deconstruct()
        return path, (), kwargs | {"field": self.field, "by_guard": self.by_guard}

    def validate(
        self,
        model: type[models.Model],
        instance: models.Model,
        exclude: set[str] | None = None,
        using: str = "default",
    ) -> None:
        """As of any constraint, by the value itself. The guard asks nothing more."""
        if not self.by_guard:
            UniqueConstraint(
                fields=[self.field],
                condition=self.condition,
                name=self.name,
                violation_error_message=self.violation_error_message,
            ).validate(model, instance, exclude=exclude, using=using)
