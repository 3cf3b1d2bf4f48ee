"""Form fields that read what people type by the one rule for its kind."""

import datetime
from decimal import Decimal

from django import forms

from backoffice.records.dates import parse_day
from backoffice.records.numbers import parse_number
from backoffice.records.text import tidy_line


class LineField(forms.CharField):
    """One line of text in one spelling: see text.py."""

    def to_python(self, value):
        text = super().to_python(value)
        return tidy_line(text) if isinstance(text, str) else text


class DayField(forms.DateField):
    """A day in whatever order cannot be misread: see dates.py."""

    def to_python(self, value):
        if isinstance(value, str) and value.strip():
            return parse_day(value)
        return super().to_python(value or None) if not isinstance(value, datetime.date) else super().to_python(value)


class NumberField(forms.DecimalField):
    """A number with a point or a comma: see numbers.py."""

    def to_python(self, value) -> Decimal | None:
        if isinstance(value, str) and value.strip():
            return parse_number(value)
        return super().to_python(value)
