"""A table into the database, or what that would do: in chunks, all of it or nothing."""

import gc
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop
from import_export.results import RowResult

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.cells import readers_language
from backoffice.exchange.column_names import told_in_each_language
from backoffice.exchange.columns import Row
from backoffice.exchange.headers import match_columns
from backoffice.exchange.outcome import ROWS_PREVIEWED, Outcome, PreviewRow, RowError
from backoffice.exchange.table import BEYOND, Table, UnreadableFileError
from backoffice.formats.kept import Pattern, Sentence, in_each_language, ngettext
from backoffice.formats.kept import gettext as _
from backoffice.formats.lists import in_turn, listed, told_by
from backoffice.models import User
from backoffice.records.mixins import REASON_LENGTH
from backoffice.records.seen import version_of

__all__ = ["Outcome", "PreviewRow", "RowError", "run_import"]

logger = logging.getLogger(__name__)

IMPORTED = Pattern(gettext_noop("Imported from %(file)s"))
CHUNK, CHUNK_CHARACTERS = 2000, 4_000_000  # rows in memory at a time, and about how much text in them


def run_import(
    resource: ExchangeResource,
    table: Table,
    *,
    by: User | None,
    dry_run: bool,
    skip_invalid: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """Write the table's rows as `by`, in one transaction, or with `dry_run` say what that would do.

    One row that is wrong keeps all of them out, unless `skip_invalid`: then the others are written. `progress` is told
    after each chunk how many rows have been read. A `resource` serves one import.
    """
    with what_is_loaded_set_aside():
        return Import(resource, table, by, dry_run, skip_invalid, progress or (lambda rows: None)).run()


class Import:
    def __init__(
        self,
        resource: ExchangeResource,
        table: Table,
        by: User | None,
        dry_run: bool,
        skip_invalid: bool,
        progress: Callable[[int], None],
    ) -> None:
        self.resource, self.table = resource, table
        self.by, self.dry_run, self.skip_invalid, self.progress = by, dry_run, skip_invalid, progress
        self.outcome = Outcome(notes=list(table.notes))
        self.rows_digest = hashlib.sha256()
        self.names: dict[str, str] = {}
        self.told: dict[str, str] = {}  # what a column is called in the file, else on the reader's pages
        self.first_lines: dict[tuple, int] = {}
        self.missing_was_said = False

    def run(self) -> Outcome:
        self.names = match_columns(self.resource, self.table, self.outcome)
        self.told = told_in_each_language(self.resource.columns_of_files())
        self.told |= {name: header for header, name in self.names.items()}
        if self.outcome.error_count:
            return self.outcome
        reason = IMPORTED(REASON_LENGTH, file=self.table.name)
        self.resource.begin(by=self.by, reason=reason, columns=self.names.values(), writes=self._writes)
        # A preview that writes nothing needs no transaction, which on SQLite would keep everybody else from writing.
        try:
            with transaction.atomic() if self._writes else nullcontext():
                self._read_and_write()
                if self._writes and not self._stands:
                    transaction.set_rollback(True)
        except IntegrityError:
            self._say_somebody_was_first()
        self.outcome.errors.sort(key=lambda error: error.line)
        self.outcome.rows_digest = version_of(self.rows_digest.hexdigest())
        self.outcome.written = self._stands
        return self.outcome

    @property
    def _writes(self) -> bool:
        return not self.dry_run or self.resource.writes_in_preview

    @property
    def _stands(self) -> bool:
        return not self.dry_run and (self.skip_invalid or not self.outcome.error_count)

    def _read_and_write(self) -> None:
        try:
            if self._writes:
                rows = filter(None, (self._row(line, values) for line, values in self.table))
                self.resource.before_writing(chunks(rows))
            for chunk in chunks(self._rows()):
                self._import(chunk)
                self.progress(self.outcome.read)
        except UnreadableFileError as error:
            self.skip_invalid = self.outcome.is_whole = False  # whatever follows in the file is unknown
            self.outcome.add_error(error.line, error.column, error.value, error.problem, error.remedy)
        if not self.outcome.read and not self.outcome.error_count:
            self.outcome.add_error(
                self.table.header_line + 1,
                "",
                "",
                _("There is nothing below the columns' names."),
                _("Write a line for each record."),
            )
        if self._writes:
            for objection in self.resource.objections():
                line, column, *what = objection
                self.skip_invalid = self.outcome.is_whole = False
                self.outcome.add_error(line, self._told(column), *what)
                self.rows_digest.update(f"{objection}\n".encode())
            for note in self.resource.finish(dry_run=self.dry_run):
                self.outcome.notes.append(note)
                self.rows_digest.update(f"{note}\n".encode())
        self.outcome.notes += self.resource.doubts()
        self._say_what_numbers_lose()
        self._say_what_is_hidden()

    def _say_somebody_was_first(self) -> None:
        logger.warning("An import was refused by the database", exc_info=True)
        self.skip_invalid = False
        self.outcome.add_error(
            0,
            "",
            "",
            _("While this file was read, somebody else wrote a record that it would write too."),
            _("Nothing was imported. Import the file again."),
        )

    # -- Rows ---------------------------------------------------------------------------------------------------------

    def _rows(self) -> Iterator[Row]:
        """Every line that can be a record, with its key; the others are refused here."""
        for line, values in self.table:
            row = self._row(line, values)
            if row is None:
                self._refuse_width(line, values)
                continue
            if row.key is not None and (first := self.first_lines.setdefault(row.key, line)) != line:
                self._refuse_twin(row, first)
                continue
            yield row

    def _row(self, line: int, values: Mapping[str, str]) -> Row | None:
        """A line with its key; None where it has too few cells, or too many."""
        row = Row({self.names[header]: text for header, text in values.items() if header in self.names})
        if len(row) != len(self.names) or BEYOND in values:
            return None
        row.line, row.key = line, self.resource.key_of_row(row)
        return row

    def _refuse_width(self, line: int, values: Mapping[str, str]) -> None:
        headers = self.table.headers
        if BEYOND in values:
            column, value = headers[-1], values[BEYOND]
            problem = _("This line has more cells than there are columns: this stands after the last of them.")
        else:
            column, value = headers[len(values)], " | ".join(values.values())
            problem = _("This line has fewer cells than there are columns: it ends before this one.")
        self._refuse(
            line, column, value, problem, _("Look for a missing separator, or put quotes round a text with one.")
        )

    def _refuse_twin(self, row: Row, first: int) -> None:
        self._refuse(
            row.line,
            *self._key_of(row),
            _("Lines %(first)d and %(second)d are about the same record.") % {"first": first, "second": row.line},
            self.resource.remedy_for_twins(row),
        )

    def _key_of(self, row: Row) -> tuple[str, str]:
        """By which columns a row names its record, and what stands there."""
        columns = [name for name in self.resource.naming_columns(row) if row.get(name, "").strip()]
        return listed(map(self._told, columns)), ", ".join(row[name] for name in columns)

    def _told(self, column: str) -> str:
        return self.told.get(column, column)

    def _remedy(self, column: str) -> Sentence:
        return Sentence(lambda: self.resource.remedy(column))

    def _refuse(self, line: int, *what: str) -> None:
        self._count("refused", line)
        self.outcome.add_error(line, *what)

    def _count(self, what: str, line: int, changes: str = "") -> None:
        """Note what becomes of a line: `what` is the name of its counter."""
        setattr(self.outcome, what, getattr(self.outcome, what) + 1)
        self.rows_digest.update(f"{line} {what} {changes}\n".encode())

    def _import(self, rows: list[Row]) -> None:
        """Through import-export's own steps, row by row, and then all at once into the database."""
        writes = self._writes and (self.skip_invalid or self.dry_run or not self.outcome.error_count)
        loader = self.resource._meta.instance_loader_class(self.resource, rows)
        for row in rows:
            self._take(row, self.resource.import_row(row, loader, row_number=row.line, dry_run=not writes))
        writes = writes and (self.skip_invalid or self.dry_run or not self.outcome.error_count)
        self.resource.bulk_create(True, not writes, True)
        self.resource.bulk_update(True, not writes, True)

    def _take(self, row: Row, result: RowResult) -> None:
        if result.errors:
            raise result.errors[0].error  # ours, not the file's
        if result.validation_error:
            self._count("refused", row.line)
            self._say_what_is_wrong(row, result.validation_error)
            return
        counter = {RowResult.IMPORT_TYPE_NEW: "new", RowResult.IMPORT_TYPE_UPDATE: "updated"}.get(result.import_type)
        self._count(counter or "unchanged", row.line, row.changes_of_record() if counter == "updated" else "")
        if counter and len(self.outcome.preview) < ROWS_PREVIEWED:
            record = "" if row.is_new else Sentence.now(lambda: row.record)
            self.outcome.add_preview(row.line, counter, self._cells(row), record)

    def _cells(self, row: Row) -> list[tuple[str, str, str]]:
        """(column, before, after) of what changes, choices by their names in each language."""
        told = in_each_language(lambda: row.changes(readers_language()))
        cells: list[tuple[str, str, str]] = []
        for in_languages in zip(*told.values(), strict=True):
            [column, *_same], *sides = zip(*in_languages, strict=True)
            before, after = (Sentence.of(dict(zip(told, map(str, texts), strict=True))) for texts in sides)
            cells.append((self._told(column), before, after))
        return cells

    def _say_what_is_wrong(self, row: Row, error: ValidationError) -> None:
        by_column = error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.error_list}
        missing = [name for name in by_column if name not in row and self.resource.needs(name)]
        if missing and row.is_new:
            self._say_missing(row, missing)
            return
        for name, errors in by_column.items():
            if name == NON_FIELD_ERRORS:
                (column, value), remedy = self._key_of(row), _("Mend this line, or take it out.")
            else:
                column, value, remedy = self._told(name), row.get(name, ""), self._remedy(name)
            for one in errors:
                self.outcome.add_error(row.line, column, value, told_by(one), remedy)

    def _say_missing(self, row: Row, missing: list[str]) -> None:
        """Columns that only a new record needs. Said once: every new record needs them."""
        if self.missing_was_said:
            return
        self.missing_was_said = True
        for name in missing:
            self.outcome.add_error(
                row.line,
                self._told(name),
                "",
                _("This line is a new record, and there is no column “%(name)s”.") % {"name": self._told(name)},
                in_turn([_("Add the column."), self._remedy(name)]),
            )

    def _say_what_numbers_lose(self) -> None:
        for header in sorted(self.table.number_columns & self.names.keys()):
            if self.resource.holds_text(self.names[header]):
                self.outcome.notes.append(
                    _(
                        "Some cells of “%(column)s” hold numbers, which keep no leading zero and no plus. If any had "
                        "one, format the column as text and type them again."
                    )
                    % {"column": header}
                )

    def _say_what_is_hidden(self) -> None:
        if n := self.table.hidden_rows:
            self.outcome.notes.append(
                ngettext(
                    "%(n)d row is hidden in the sheet, perhaps by a filter, and is read all the same.",
                    "%(n)d rows are hidden in the sheet, perhaps by a filter, and are read all the same.",
                    n,
                )
                % {"n": n}
            )


def chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    chunk, characters = [], 0
    for row in rows:
        chunk.append(row)
        characters += sum(map(len, row.values()))
        if len(chunk) == CHUNK or characters > CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


@contextmanager
def what_is_loaded_set_aside() -> Iterator[None]:
    """Every row makes objects and drops them, and every so often Python's collector then looks through all there are:
    Django's own are most of them, stay, and took a fifth of the time. Web process and workers begin by setting
    them aside for good."""
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
