"""Form fields that read what people type by the one rule for its kind."""

import datetime
from typing import Any

from django import forms

from backoffice.records.dates import parse_day
from backoffice.records.numbers import parse_number, parse_whole
from backoffice.records.text import tidy_line, tidy_text


class LineField(forms.CharField):
    """One line of text in one spelling: see text.py."""

    def to_python(self, value: object) -> str | None:
        text = super().to_python(value)
        return tidy_line(text) if isinstance(text, str) else text


class LinesField(forms.CharField):
    """Lines of text in one spelling: see text.py."""

    widget = forms.Textarea

    def to_python(self, value: object) -> str | None:
        text = super().to_python(value)
        return tidy_text(text) if isinstance(text, str) else text


class EmailField(LineField, forms.EmailField):
    """An address in one spelling: what a web page put between its letters, and nobody sees, is no mistake of theirs."""


class DayField(forms.DateField):
    """A day in whatever order cannot be misread: see dates.py."""

    def to_python(self, value: str | datetime.date | None) -> datetime.date | None:
        if isinstance(value, str) and value.strip():
            return parse_day(value)
        return super().to_python(value or None) if not isinstance(value, datetime.date) else super().to_python(value)


class ReadsNumbers(forms.Field):
    """Mixin of a field that takes a number with a point or a comma: see numbers.py."""

    def to_python(self, value: object) -> Any:
        return super().to_python(parse_number(value) if isinstance(value, str) and value.strip() else value)


class DecimalInput(forms.TextInput):
    """A browser's number input sends nothing for a number that it cannot read: it would be lost without a word."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off"} | (attrs or {}))


class NumberField(ReadsNumbers, forms.DecimalField):
    widget = DecimalInput


class RealNumberField(ReadsNumbers, forms.FloatField):
    widget = DecimalInput


class WholeNumberField(forms.IntegerField):
    """A whole number, however it is written: see numbers.py."""

    def to_python(self, value: object) -> int | None:
        return super().to_python(parse_whole(value) if isinstance(value, str) and value.strip() else value)
