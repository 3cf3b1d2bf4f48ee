"""A number that may be a passport's, or a card's with a slip: who writes it into a form says which."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from backoffice.lazy import LazyText
from clinic.identity import could_be_a_slip

PERHAPS = "perhaps_a_passport"


class PassportField(forms.BooleanField):
    """Out of sight until it is asked. It is no column of anything: nothing has changed by it."""

    widget: forms.Widget | type[forms.Widget] = forms.HiddenInput

    def ask(self) -> None:
        self.widget = forms.CheckboxInput()

    def has_changed(self, initial: str | None, data: str | None) -> bool:
        return False


class AsksAboutPassports(forms.Form):
    """Base of forms with a `national_id`."""

    fields: dict[str, Any]

    is_passport = PassportField(label=_("This is the number of a passport"), required=False)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        number = self.cleaned_data.get("national_id")
        if number and number != self.number_on_file and could_be_a_slip(number):
            self.fields["is_passport"].ask()
            if not self.cleaned_data.get("is_passport"):
                self.add_error("national_id", ValidationError(self.question, code=PERHAPS))
        return cleaned

    @property
    def question(self) -> LazyText:
        return _(
            "A digit seems to be missing: look at the card once more. If it is the number of a passport, say so below."
        )

    @property
    def number_on_file(self) -> str:
        return ""
