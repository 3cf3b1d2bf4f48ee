from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from backoffice.formats.lists import told_of
from backoffice.records.mixins import Hideable


class ClinicalForm(forms.ModelForm):
    """The form of a hideable record.

    A form leaves fields that it does not show out of validation, and with `hidden_at` every constraint that speaks of
    visible rows: they would come back as a database error instead of a sentence.
    """

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() - {"hidden_at"}  # type: ignore[misc]  # Django has it, its stubs not

    def clean(self) -> dict[str, Any] | None:
        """Nothing is put with what is hidden: no page offers that, but a key that somebody sends may name it."""
        cleaned = super().clean()
        for name, chosen in list((self.cleaned_data if cleaned is None else cleaned).items()):
            rows = [chosen] if isinstance(chosen, Hideable) else chosen if isinstance(chosen, QuerySet) else []
            if name in self.changed_data and any(self.is_hidden(row) for row in rows if isinstance(row, Hideable)):
                self.add_error(name, _("This is hidden. Restore it first, or choose another one."))
        return cleaned

    def is_hidden(self, chosen: Hideable) -> bool:
        return chosen.is_gone


class RowForm(ClinicalForm):
    """One row of a table of inputs: each is named by its column and its row, for whoever hears the page."""

    data: Any  # a QueryDict where it is bound

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = told_of(field.label, self.name_of_row())
            field.disabled = field.disabled or self.instance.is_hidden  # it is restored before it is changed

    def name_of_row(self) -> str:
        return str(self.instance)
