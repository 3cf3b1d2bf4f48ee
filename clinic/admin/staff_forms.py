"""Forms that only staff fill in, in the admin."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice.records.fields import DayField
from backoffice.records.forms import ClinicalForm, RowForm
from backoffice.records.mixins import Hideable
from backoffice.records.text import masked
from clinic import booking
from clinic.hours.availability import Offer, offered_days
from clinic.hours.text import Hours, parse_hours
from clinic.identity import normalise_national_id
from clinic.models import Appointment, ClinicSession, OpeningHours, Patient
from clinic.passports import AsksAboutPassports
from clinic.patients import merging
from clinic.survey_form import ReadsSurvey, survey_fields


class MaskedNationalID(forms.TextInput):
    """Shows the last signs of the number on file. What is typed beside them replaces it; nothing typed keeps it.

    Who asks to see it (clinic/admin/national_id.py) gets an ordinary input in its place: emptied, that removes it.
    """

    template_name = "clinic/national_id.html"

    def __init__(self, on_file: str, reveal_url: str) -> None:
        super().__init__({"class": "vTextField", "maxlength": 20, "autocomplete": "off"})
        self.on_file = on_file
        self.reveal_url = reveal_url

    def get_context(self, name: str, value: object, attrs: dict[str, Any] | None) -> dict[str, Any]:
        typed = "" if value == self.on_file else value
        context = super().get_context(f"new_{name}", typed, attrs)
        context["widget"] |= {"masked": masked(self.on_file), "reveal_url": self.reveal_url}
        return context

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        """None where the number is kept."""
        return super().value_from_datadict(data, files, name) if name in data else data.get(f"new_{name}") or None


class NationalIDField(forms.CharField):
    """Takes lower case, spaces and full-width digits, and hands on what is kept."""

    on_file = ""

    def mask(self, on_file: str, reveal_url: str) -> None:
        self.on_file = on_file
        self.widget = MaskedNationalID(on_file, reveal_url)

    def to_python(self, value: object) -> str:
        return normalise_national_id(super().to_python(value) or "")

    def clean(self, value: str | None) -> str:
        return self.on_file if value is None else super().clean(value)

    def has_changed(self, initial: str | None, data: str | None) -> bool:
        return data is not None and super().has_changed(initial, data)


class PersonForm(AsksAboutPassports, ClinicalForm):
    """Somebody's details, with the number that they are known by."""

    @property
    def number_on_file(self) -> str:
        return self.instance.national_id


class PatientForm(PersonForm):
    reveal_url = ""

    class Meta:
        model = Patient
        fields = ["full_name", "date_of_birth", "sex", "national_id", "phone", "email", "notes"]
        field_classes = {"national_id": NationalIDField, "date_of_birth": DayField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.national_id and "national_id" in self.fields:
            self.fields["national_id"].mask(self.instance.national_id, self.reveal_url)


# -- Hours ------------------------------------------------------------------------------------------------------------


class HoursField(forms.CharField):
    """Text such as `09:00-12:00`; its value is `Hours`."""

    def to_python(self, value: object) -> Hours | None:  # type: ignore[override]  # its own kind of value
        text = super().to_python(value)
        return parse_hours(text) if text else None


class HoursForm(ClinicalForm):
    """Shows a pair of times as the one text field `hours`."""

    made_of = {"hours": ("opens_at", "closes_at")}

    hours = HoursField(
        label=_("hours"), help_text=_("Such as 09:00-12:00; 14:00~17:30 and full-width digits are read too.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.opens_at:
            self.fields["hours"].initial = str(Hours(self.instance.opens_at, self.instance.closes_at))

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if hours := cleaned.get("hours"):
            self.instance.opens_at, self.instance.closes_at = hours
        return cleaned


class OpeningHoursForm(HoursForm):
    class Meta:
        model = OpeningHours
        fields = ["weekday", "period", "capacity", "is_open"]


class ClinicSessionForm(HoursForm):
    class Meta:
        model = ClinicSession
        fields = ["date", "period", "capacity", "is_open"]


# -- Visits -----------------------------------------------------------------------------------------------------------


class AppointmentForm(ClinicalForm):
    class Meta:
        model = Appointment
        fields = ["symptoms", "notes"]
        widgets = {"symptoms": forms.CheckboxSelectMultiple}


class AnswerForm(RowForm):
    def name_of_row(self) -> str:
        return self.instance.asked_as


class TimeField(forms.ChoiceField):
    """One of `slot_choices`. A page that was left open may send one that is over by now."""

    default_error_messages = {
        "invalid_choice": _("This time is over, or no longer offered. Please choose another one.")
    }


class AnswersForm(ReadsSurvey, forms.Form):
    """What a booking has not answered yet, asked by staff."""

    def __init__(self, *args: Any, appointment: Appointment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.update(survey_fields(leave_out=booking.answered(appointment), for_staff=True))


class WalkInForm(ReadsSurvey, ClinicalForm):
    """A booking made at the desk or on the phone. `cleaned_data["offer"]` is the session. Its admin adds the survey."""

    fields: dict[str, Any]

    refusal: booking.BookingError | None = None

    offer = TimeField(label=_("time"))
    overbook = forms.BooleanField(
        label=_("beyond capacity"), required=False, help_text=_("Take a place even where the time is full.")
    )

    class Meta:
        model = Appointment
        fields = ["patient", "symptoms", "notes"]
        widgets = {"symptoms": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["offer"].choices = slot_choices()
        self.fields["symptoms"].queryset = self.fields["symptoms"].queryset.visible().filter(is_active=True)

    def clean_offer(self) -> ClinicSession:
        wanted = ClinicSession.parse(self.cleaned_data["offer"])
        session = booking.session_for(wanted.date, wanted.period)
        if session is None:
            raise forms.ValidationError(booking.SessionClosed.message)
        return session

    def is_hidden(self, chosen: Hideable) -> bool:
        # One that was merged into another is booked on that one.
        return super().is_hidden(merging.standing(chosen) if isinstance(chosen, Patient) else chosen)

    def clean(self) -> dict[str, Any] | None:
        if self.refusal:
            raise forms.ValidationError(str(self.refusal))
        return super().clean()


def slot_choices(leave_out: ClinicSession | None = None) -> list[tuple[str, str]]:
    """The times of the coming days that are open, each with its places."""
    offers = [offer for day in offered_days(leave_out=leave_out) for offer in day.offers]
    return [(offer.session.slug, describe(offer)) for offer in offers if offer.session.is_open]


def describe(offer: Offer) -> str:
    """`Sat 21 Nov · morning · 3 places left`"""
    left = offer.session.places_left
    places = ngettext("%d place left", "%d places left", left) % left if left else _("full")
    return f"{offer.session.in_short} · {places}"
