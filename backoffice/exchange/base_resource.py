"""What a table's columns are, which record a row means, and how many are written at once: import-export's resources,
in bulk, with natural keys and history."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import CheckConstraint, QuerySet
from django.db.models.fields import NOT_PROVIDED
from django.utils import timezone
from django.utils.text import capfirst
from import_export.instance_loaders import BaseInstanceLoader
from import_export.resources import ModelResource
from import_export.results import Result, RowResult
from simple_history.utils import bulk_update_with_history

from backoffice.exchange.bulk_history import write_history_of_new
from backoffice.exchange.cells import TextCell, cell_for
from backoffice.exchange.column_names import told
from backoffice.exchange.columns import BATCH, ChosenField, Column, ExchangeField, Row
from backoffice.exchange.natural_keys import ByNaturalKey
from backoffice.formats.kept import Sentence
from backoffice.formats.kept import gettext as _
from backoffice.formats.lists import in_turn
from backoffice.models import User
from backoffice.records.locks import lock_by_key
from backoffice.records.mixins import REASON_LENGTH, TimeStamped, written_at_once


class LeanRowResult(RowResult):
    """Without the record's name, which nobody reads and which may ask the database."""

    def add_instance_info(self, instance: Any) -> None:
        pass


def broken(rule: CheckConstraint) -> Sentence:
    return Sentence(lambda: str(rule.get_violation_error_message()))


class ExchangeResource(ModelResource):
    """A table in files: its columns are Meta.fields, and `import_id_fields` the natural key that finds a record.

    A subclass names columns that the model has not as `ExchangeField`s, and says what else a row must be in `check`.
    """

    DEFAULT_RESOURCE_FIELD = ExchangeField

    class Meta:
        use_bulk = True
        skip_diff = True
        instance_loader_class = ByNaturalKey

    create_instances: list[Any]
    update_instances: list[Any]
    examples: dict[str, str] = {}
    """What the help and the template show in a column, where the kind of cell has no example of its own."""
    row: Row
    """At hand: the library does not pass it to everything that asks about it."""
    writes_in_preview = False
    """Whether only writing (and taking back) tells what a row would do."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.by: User | None = None
        self.reason, self._writes = "", False
        self._changed: set[str] = set()  # model fields, of the rows that wait to be written
        self._checks = [rule for rule in self._meta.model._meta.constraints if isinstance(rule, CheckConstraint)]

    # -- Columns ------------------------------------------------------------------------------------------------------

    @classmethod
    def field_from_django_field(cls, field_name: str, django_field: models.Field, readonly: bool) -> ExchangeField:
        may_be_empty = django_field.blank and not isinstance(django_field, models.BooleanField)
        return ExchangeField(
            attribute=field_name,
            column_name=field_name,
            title=django_field.verbose_name,
            widget=cell_for(django_field),
            readonly=readonly,
            required=not may_be_empty and not django_field.has_default(),
            empty=(None if django_field.null else "") if may_be_empty else NOT_PROVIDED,
            help_text=django_field.help_text,
        )

    def columns_of_files(self) -> list[ExchangeField]:
        """The columns that a file may have, in the order of an export."""
        return [field for field in self.get_import_fields() if not field.readonly]

    def columns(self) -> list[Column]:
        """What people read of them."""
        return [
            Column(
                name=field.column_name,
                title=capfirst(str(field.title)),
                what=field.what(),
                is_required=field.is_required,
                example=self.examples.get(field.column_name, field.widget.example),
            )
            for field in self.columns_of_files()
        ]

    def sample(self) -> list[list[str]]:
        """A template to fill in: the columns' names as its reader is told them, and one line of examples."""
        return [list(told(self.columns_of_files()).values()), [column.example for column in self.columns()]]

    def remedy(self, column: str) -> str:
        """What to write in a column, for somebody who wrote something else."""
        field = self.fields.get(column)
        if field is None:
            return ""
        return in_turn([field.what(), _("Or leave the cell empty.")]) if field.may_be_empty else field.what()

    def needs(self, column: str) -> bool:
        """Whether every new record needs this column."""
        return column in self.fields and self.fields[column].is_required

    def holds_text(self, column: str) -> bool:
        return isinstance(self.fields[column].widget, TextCell)

    # -- Which record a row means -------------------------------------------------------------------------------------

    def get_queryset(self) -> QuerySet:
        """What an import may find: visible records. Hidden ones stay as they are, and keep no row out."""
        rows = self._meta.model._base_manager.all()
        return rows.filter(hidden_at=None) if hasattr(self._meta.model, "hidden_at") else rows

    def key_columns(self, columns: Iterable[str]) -> list[str]:
        """Columns without which no record can be found, in a file that has these."""
        return list(self._meta.import_id_fields)

    def naming_columns(self, row: Row) -> list[str]:
        """The columns by which this row says which record it means."""
        return self.key_columns(row)

    def key_of_row(self, row: Row) -> tuple | None:
        try:
            return tuple(self.fields[name].clean(row) for name in self._meta.import_id_fields)
        except ValidationError:
            return None  # importing the row says what is wrong with it

    def key_of(self, instance: Any, row: Row) -> tuple:
        """The record's key, of the kind that this file's rows have."""
        return tuple(self.fields[name].get_value(instance) for name in self._meta.import_id_fields)

    def get_instance(self, instance_loader: BaseInstanceLoader, row: Row) -> models.Model | None:
        return instance_loader.get_instance(row)  # the library's own asks nobody where one key column is missing

    def candidates(self, rows: Sequence[Row]) -> QuerySet:
        """Every record that one of these rows may mean, in one query."""
        first = self.fields[self._meta.import_id_fields[0]].attribute
        return self.get_queryset().filter(**{f"{first}__in": {row.key[0] for row in rows if row.key}})

    def on_file(self, rows: Sequence[Row]) -> QuerySet:
        """The candidates as they are now: behind their locks, where they may be written."""
        found = self.candidates(rows)
        return found.order_by("pk").select_for_update(of=("self",), no_key=True) if self._writes else found

    def remedy_for_twins(self, row: Row) -> str:
        """What to do where two lines mean one record."""
        return _("Keep one of them.")

    def ambiguous(self, row: Row, count: int) -> str:
        return _("%(count)d records have this key, so nobody can tell which one is meant.") % {"count": count}

    # -- One row ------------------------------------------------------------------------------------------------------

    @classmethod
    def get_row_result_class(cls) -> type[RowResult]:
        return LeanRowResult

    def begin(self, *, by: User | None, reason: str, columns: Iterable[str], writes: bool) -> None:
        """An import starts: who imports, why, which columns the file has, and whether it writes, in a transaction."""
        self.by, self.reason, in_file, self._writes = by, reason[:REASON_LENGTH], set(columns), writes
        self._imported = [
            field for field in self.fields.values() if field.column_name in in_file and not field.readonly
        ]
        self._column_of = {name: field.column_name for field in self.fields.values() for name in field.model_fields}
        fields = self._meta.model._meta.fields
        # Records that another one points to were found, not typed: asking for each of them again would take a query.
        # And what a cell reads as a day or as one of the choices is one.
        self._sure = {field.name for field in fields if field.is_relation} | {
            name for field in self._imported if field.widget.leaves_no_doubt for name in field.model_fields
        }
        self._untouched = {field.name for field in fields} - {
            name for field in self._imported for name in field.model_fields
        }

    def before_writing(self, chunks: Iterable[Sequence[Row]]) -> None:
        """The transaction has begun, and these are all of the file's rows: what it may change is locked first, so that
        it is read as it is when it is written, and in the order of everybody else. SQLite lets one write at a time."""
        if connection.features.has_select_for_update:
            known = ([row for row in chunk if row.key is not None] for chunk in chunks)
            keys = {pk for rows in known if rows for pk in self.candidates(rows).values_list("pk", flat=True)}
            lock_by_key(self._meta.model, keys)

    def before_chunk(self, rows: Sequence[Row]) -> None:
        """What is needed for these rows can be read here at once."""

    def after_init_instance(self, instance: Any, new: bool, row: Row, **kwargs: Any) -> None:
        self.row, row.record = row, instance
        row.before = None if new else {field: field.get_value(instance) for field in self._imported}

    def import_instance(self, instance: Any, row: Row, **kwargs: Any) -> None:
        errors = {}
        for field in self._imported:
            try:
                field.save(instance, row)
            except ValidationError as error:
                errors[field.column_name] = error
        if errors:
            raise ValidationError(errors)

    def skip_row(
        self,
        instance: Any,
        original: models.Model | None,
        row: Row,
        import_validation_errors: dict[str, ValidationError] | None = None,
    ) -> bool:
        """Whether the row says what the record says already."""
        row.differing = [
            field for field in self._imported if row.before is None or row.before[field] != field.get_value(instance)
        ]
        return not row.differing and not import_validation_errors

    def validate_instance(
        self,
        instance: Any,
        import_validation_errors: dict[str, ValidationError] | None = None,
        validate_unique: bool = True,
    ) -> None:
        """The model's own rules for what the file says. That no other record has the key, looking for it has shown."""
        errors: dict[str, Any] = dict(import_validation_errors or {})
        excluded = self._sure | {name for name, column in self._column_of.items() if column in errors}
        if not self.row.is_new:
            excluded |= self._untouched
        try:
            self.check(instance, excluded)
        except ValidationError as error:
            for name, problems in error.update_error_dict({}).items():
                errors.setdefault(self._column_of.get(name, name), problems)
        if errors:
            raise ValidationError(errors)

    def check(self, instance: Any, excluded: set[str]) -> None:
        """Raises ValidationError for what the record must not be."""
        instance.clean_fields(exclude=excluded)
        instance.clean()
        for rule in self._checks:
            try:
                rule.validate(self._meta.model, instance, exclude=excluded)
            except ValidationError as error:  # which is told already, in one language
                raise ValidationError(broken(rule)) from error

    def save_instance(self, instance: Any, is_create: bool, row: Row, **kwargs: Any) -> None:
        if not is_create:
            self._changed.update(name for field in row.differing for name in field.model_fields)
        super().save_instance(instance, is_create, row, **kwargs)

    # -- Export -------------------------------------------------------------------------------------------------------

    def for_export(self, queryset: QuerySet) -> QuerySet:
        """The rows with everything that their cells show, however many there are."""
        chosen = [field.attribute for field in self.fields.values() if isinstance(field, ChosenField)]
        return queryset.prefetch_related(*chosen)

    # -- Many rows ----------------------------------------------------------------------------------------------------

    def bulk_create(
        self,
        using_transactions: bool,
        dry_run: bool,
        raise_errors: bool,
        batch_size: int | None = None,
        result: Result | None = None,
    ) -> None:
        rows, self.create_instances = self.create_instances, []
        if rows and not dry_run:
            self._meta.model._default_manager.bulk_create(rows, batch_size=BATCH)
            self.after_bulk(rows, created=True, fields=None)
            write_history_of_new(rows, user=self.by, reason=self.reason)

    def bulk_update(
        self,
        using_transactions: bool,
        dry_run: bool,
        raise_errors: bool,
        batch_size: int | None = None,
        result: Result | None = None,
    ) -> None:
        rows, self.update_instances = self.update_instances, []
        changed, self._changed = self._changed, set()
        if rows and not dry_run:
            if isinstance(rows[0], TimeStamped):
                changed.add("updated_at")
                for row in rows:
                    row.updated_at = timezone.now()
            bulk_update_with_history(
                rows,
                self._meta.model,
                sorted(changed),
                batch_size=BATCH,
                default_user=self.by,
                default_change_reason=self.reason,
                manager=self._meta.model._default_manager,
            )
            self.after_bulk(rows, created=False, fields=changed)

    def after_bulk(self, rows: list[Any], *, created: bool, fields: set[str] | None) -> None:
        """Rows are in the database: what is chosen for them follows, and whoever listens is told as by post_save."""
        for field in self._imported:
            if isinstance(field, ChosenField):
                field.write(rows)
        written_at_once.send(sender=self._meta.model, rows=rows, created=created, fields=fields)

    def doubts(self) -> Iterable[str]:
        """What somebody should look at before they agree to what was read, as sentences."""
        return []

    def objections(self) -> Iterable[tuple[int, str, str, str, str]]:
        """All rows are in: (line, column, value, problem, remedy) of what cannot stand together. One keeps all out."""
        return []

    def finish(self, *, dry_run: bool) -> Iterable[str]:
        """All rows are in. What else must follow; returns sentences that people should read."""
        return []
