"""Columns: what each is called, what people write in it, and what that does to a record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.fields import NOT_PROVIDED
from django.utils import translation
from django.utils.text import capfirst
from import_export.fields import Field

from backoffice.exchange.cells import Cell
from backoffice.exchange.formulas import without_apostrophe
from backoffice.formats.kept import gettext as _
from backoffice.formats.lists import in_turn
from backoffice.lazy import LazyText

BATCH = 500  # rows in one statement


@dataclass(frozen=True)
class Column:
    """A line of the table that tells people how to write a file."""

    name: str
    title: str
    what: str
    is_required: bool
    example: str


class Row(dict):
    """The texts of one line by column name, with the record's natural key (None where it cannot be read).

    Once it is read: the record that it means, the values of that before (None where it is new), and which differ.
    """

    line: int
    key: tuple | None
    record: models.Model
    before: dict["ExchangeField", object] | None = None
    differing: Sequence["ExchangeField"] = ()

    @property
    def is_new(self) -> bool:
        return self.before is None

    def changes(self, language: str | None = None) -> list[tuple[str, object, object]]:
        """(column, before, after), choices by their names in the language."""
        before = self.before or {}
        return [
            (
                field.column_name,
                field.widget.render(before[field], language=language) if field in before else "",
                field.widget.render(field.get_value(self.record), language=language),
            )
            for field in self.differing
        ]

    def changes_of_record(self) -> str:
        """Which record it changes, and how: two runs that agree in it write the same over the same."""
        return f"{self.record.pk} {self.changes()!r}"


class ExchangeField(Field):
    """A column. An empty cell empties what may be empty, is refused where a value must be, and else changes nothing."""

    widget: Cell

    def __init__(
        self,
        *args: Any,
        title: LazyText = "",
        required: bool = False,
        empty: object = NOT_PROVIDED,
        help_text: LazyText = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.title, self.is_required, self.empty, self.help_text = title, required, empty, help_text

    def clean(self, row: Row, **kwargs: Any) -> Any:
        """The cell's value; NOT_PROVIDED where it is empty and changes nothing. Raises ValidationError."""
        text = without_apostrophe(row[self.column_name].strip())
        if text:
            return self.widget.clean(text, row=row, **kwargs)
        if self.is_required:
            raise ValidationError(_("This cell is empty."), code="required")
        return self.empty

    def save(self, instance: Any, row: Row, is_m2m: bool = False, **kwargs: Any) -> None:
        if self.readonly:
            return
        value = self.clean(row, **kwargs)
        if value is not NOT_PROVIDED:
            setattr(instance, self.attribute, value)

    @property
    def model_fields(self) -> Sequence[str]:
        """The fields of the model that it writes."""
        return [self.attribute]

    @property
    def may_be_empty(self) -> bool:
        """Whether an empty cell says something."""
        return not self.is_required and self.empty is not NOT_PROVIDED

    def called(self, language: str | None) -> str:
        """Its title in a language; None calls it by its stable name."""
        if language is None:
            return self.column_name
        with translation.override(language):
            return capfirst(str(self.title))

    def what(self) -> str:
        """What to write in it."""
        return in_turn([self.widget.what(), self.help_text])


class ChosenField(ExchangeField):
    """Some records of another table. They are noted at the row, and linked once it is in the database."""

    model_fields = ()

    def save(self, instance: Any, row: Row, is_m2m: bool = False, **kwargs: Any) -> None:
        value = self.clean(row, **kwargs)
        setattr(instance, self._noted, [] if value is NOT_PROVIDED else value)

    def get_value(self, instance: Any) -> list[models.Model]:
        noted = getattr(instance, self._noted, None)
        if noted is None:
            linked = getattr(instance, self.attribute).all() if instance.pk else []
            return sorted(linked, key=lambda row: row.pk)
        return noted

    @property
    def _noted(self) -> str:
        return f"_chosen_{self.attribute}"

    def write(self, rows: list[models.Model]) -> None:
        """Link what was noted, and nothing else."""
        relation: Any = rows[0]._meta.get_field(self.attribute)
        here, there = relation.m2m_field_name(), relation.m2m_reverse_field_name()
        links = relation.remote_field.through._base_manager
        links.filter(**{f"{here}__in": rows}).delete()
        links.bulk_create(
            [links.model(**{here: row, there: other}) for row in rows for other in self.get_value(row)],
            batch_size=BATCH,
        )
