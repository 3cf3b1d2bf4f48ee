"""Forms that only staff fill in, in the admin."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.identity import normalise_national_id
from clinic.models import ClinicSession, OpeningHours, Patient
from clinic.periods import Hours, parse_hours


class NationalIDField(forms.CharField):
    """Takes lower case, spaces and full-width digits, and hands on what is kept."""

    def to_python(self, value):
        return normalise_national_id(super().to_python(value))


class PatientForm(forms.ModelForm):
    class Meta:
        model = Patient
        fields = ["full_name", "date_of_birth", "sex", "national_id", "phone", "email", "notes"]
        field_classes = {"national_id": NationalIDField}


class HoursField(forms.CharField):
    """Text such as `09:00-12:00`; its value is `Hours`."""

    def to_python(self, value):
        text = super().to_python(value)
        return parse_hours(text) if text else None


class HoursForm(forms.ModelForm):
    """Shows a pair of times as the one text field `hours`."""

    hours = HoursField(
        label=_("hours"), help_text=_("Such as 09:00-12:00; 14:00~17:30 and full-width digits are read too.")
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Not for those who may only view: their form shows read-only values and has no such field.
        if self.instance.opens_at and "hours" in self.fields:
            self.fields["hours"].initial = str(Hours(self.instance.opens_at, self.instance.closes_at))

    def clean(self):
        cleaned = super().clean()
        if hours := cleaned.get("hours"):
            self.instance.opens_at, self.instance.closes_at = hours
        return cleaned


class OpeningHoursForm(HoursForm):
    class Meta:
        model = OpeningHours
        fields = ["weekday", "period", "hours", "capacity", "is_open"]


class ClinicSessionForm(HoursForm):
    class Meta:
        model = ClinicSession
        fields = ["hours", "capacity", "is_open"]
