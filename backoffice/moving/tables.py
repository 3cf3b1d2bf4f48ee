"""What a table is, as both databases have it."""

from dataclasses import dataclass

from backoffice.moving.values import Column


@dataclass(frozen=True)
class Table:
    name: str
    key: str  # the primary key's column
    columns: tuple[Column, ...]
    numbered: str | None  # the column that the database numbers itself

    @property
    def written(self) -> list[Column]:
        return [column for column in self.columns if not column.is_generated]
