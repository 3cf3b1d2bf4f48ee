"""The one field that takes a code."""

from datetime import datetime
from math import ceil
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice.access.second_factor import devices
from backoffice.models import Phone, User


class CodeForm(forms.Form):
    """A code from the phone, or a backup code. `device` is what it was from."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput({"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_code(self) -> str:
        if until := devices.throttled_until(self.person):
            raise forms.ValidationError(wait_until(until))
        code = self.cleaned_data["code"]
        if not self.accepts(code):
            raise forms.ValidationError(_("This code is not right, or was used before. Wait for the next one."))
        return code

    def accepts(self, code: str) -> bool:
        self.device = devices.verify(self.person, code)
        return self.device is not None


class FirstCodeForm(CodeForm):
    """The first code of a phone that is set up: it shows that the secret arrived."""

    def __init__(self, *args: Any, phone: Phone, asks_for_password: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, person=phone.user, **kwargs)
        self.phone = phone
        if asks_for_password:
            password = forms.PasswordInput({"autocomplete": "current-password"})
            self.fields = {"password": forms.CharField(label=_("Your password"), widget=password), **self.fields}
        self.fields["code"].widget.attrs["inputmode"] = "numeric"

    def clean_password(self) -> None:
        if not self.person.check_password(self.cleaned_data["password"]):
            raise forms.ValidationError(_("This is not your password."))

    def clean_code(self) -> str:
        # A wrong password beside it: the phone's code is left for the next try.
        return self.cleaned_data["code"] if self.errors else super().clean_code()

    def accepts(self, code: str) -> bool:
        return devices.confirm(self.phone, code)


def wait_until(until: datetime) -> str:
    seconds = ceil((until - timezone.now()).total_seconds())
    return ngettext(
        "There were wrong codes. Try again in %d second.", "There were wrong codes. Try again in %d seconds.", seconds
    ) % max(seconds, 1)
