from typing import Any

from django import forms


class ClinicalForm(forms.ModelForm):
    """The form of a hideable record.

    A form leaves fields that it does not show out of validation, and with `hidden_at` every constraint that speaks of
    visible rows: they would come back as a database error instead of a sentence.
    """

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() - {"hidden_at"}  # type: ignore[misc]  # Django has it, its stubs not


class RowForm(ClinicalForm):
    """One row of a table of inputs: each is named by its column and its row, for whoever hears the page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{field.label}: {self.name_of_row()}"

    def name_of_row(self) -> str:
        return str(self.instance)
