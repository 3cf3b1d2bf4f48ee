"""The forms of the public booking pages."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.forms.utils import ErrorDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from backoffice.formats.kept import kept, told
from backoffice.formats.lists import told_by
from backoffice.records.fields import DayField, EmailField
from backoffice.records.text import masked
from clinic.hours.availability import Day
from clinic.identity import normalise_national_id, validate_national_id
from clinic.models import Patient, Symptom, born_within_living_memory
from clinic.passports import PERHAPS, AsksAboutPassports
from clinic.phones import normalise_phone
from clinic.spelling import normalise_name
from clinic.survey_form import ReadsSurvey, survey_fields


class PublicForm(forms.Form):
    """Puts the cursor where the first mistake is, and can be kept as it was typed."""

    def full_clean(self) -> None:
        super().full_clean()
        self._put_the_cursor()

    def _put_the_cursor(self) -> None:
        wrong = next((name for name in self.fields if name in self._errors), None)
        if wrong:
            self.fields[wrong].widget.attrs["autofocus"] = True

    def tell(self, mistakes: dict) -> None:
        """Show what was wrong with what was sent before, beside what was typed, on a page of its own."""
        self._errors = ErrorDict(renderer=self.renderer)
        for name, found in mistakes.items():
            if name == NON_FIELD_ERRORS or name in self.fields:
                sentences = [told(one["message"]) for one in found]
                field_id = self[name].auto_id if name in self.fields else None
                self._errors[name] = self.error_class(sentences, renderer=self.renderer, field_id=field_id)
        self._put_the_cursor()

    def mistakes(self) -> dict[str, list[dict[str, Any]]]:
        """What is wrong, as a session keeps it for a page that may be read in another language."""
        return {
            name: [{"message": kept(told_by(one)), "code": one.code or ""} for one in found]
            for name, found in self.errors.as_data().items()
        }

    def as_typed(self) -> dict:
        """What the browser sent for each field, fit for a session, for `initial` and for `data`.

        Cut where it is longer than any right answer: it stays wrong, and nobody fills our tables with it.
        """
        return {
            name: cut(
                field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name)),
                getattr(field, "max_length", None) or LONGEST,
            )
            for name, field in self.fields.items()
        }


LONGEST, MOST = 100, 100  # characters of a text that sets no limit itself, and ticks in a list


def cut(value: str | list[str] | None, longest: int) -> str | list[str] | None:
    if isinstance(value, list):
        return [text[: longest + 1] for text in value[:MOST]]
    return value and value[: longest + 1]


def as_sent(typed: dict) -> MultiValueDict:
    """What `as_typed` kept, as a browser sends it."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in typed.items() if value is not None}
    return MultiValueDict(lists)


class TimeForm(forms.Form):
    fields: dict[str, Any]

    session = forms.ChoiceField(
        error_messages={
            "required": _("Choose a time first."),
            "invalid_choice": _("That time cannot be booked any more. Please choose another one."),
        }
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, days: Iterable[Day], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        offers = [offer for day in days for offer in day.offers if offer.is_bookable]
        self.fields["session"].choices = [(offer.session.slug, str(offer.session)) for offer in offers]


class NameField(forms.CharField):
    """A name in the one spelling in which it is kept."""

    def to_python(self, value: object) -> str:
        return normalise_name(super().to_python(value) or "")


class PhoneField(forms.CharField):
    """A number in the one form in which it is kept."""

    def to_python(self, value: object) -> str:
        return normalise_phone(super().to_python(value) or "")


class UnseenInput(forms.TextInput):
    """An input that is never sent back: somebody else may sit at this screen by then. It says that it was given."""

    def get_context(self, name: str, value: object, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, None, attrs)
        if value:
            context["widget"]["attrs"]["placeholder"] = masked(normalise_national_id(str(value)))
        return context


class StillOffered(forms.ModelMultipleChoiceField):
    """Those of what was ticked that are offered still: what was taken out meanwhile is no mistake of the visitor's."""

    def clean(self, value: Sequence[str] | None) -> list[Symptom]:  # type: ignore[override]  # one query, not three
        ticked = {str(key) for key in value or []}
        return [symptom for symptom in self.queryset or () if str(symptom.pk) in ticked]


class DetailsForm(AsksAboutPassports, PublicForm):
    fields: dict[str, Any]

    full_name = NameField(
        label=_("Full name"),
        max_length=120,
        widget=forms.TextInput({"autocomplete": "name"}),
        error_messages={"required": _("Write your full name, as on your card.")},
    )
    date_of_birth = DayField(
        label=_("Date of birth"),
        validators=[born_within_living_memory],
        widget=forms.DateInput({"type": "date", "autocomplete": "bday"}, format="%Y-%m-%d"),
        error_messages={"required": _("Choose your date of birth.")},
    )
    sex = forms.ChoiceField(
        label=_("Sex"),
        choices=Patient.Sex,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one.")},
    )
    national_id = forms.CharField(
        label=_("ID, residence permit or passport number"),
        required=False,
        max_length=30,
        help_text=_("Such as A123456789. If you have no such number, leave it empty and bring what you have."),
        widget=UnseenInput(
            {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "data-never-kept": ""}
        ),
    )
    phone = PhoneField(
        label=_("Phone"),
        max_length=30,
        widget=forms.TextInput({"type": "tel", "autocomplete": "tel"}),
        error_messages={"required": _("Write a number at which we can reach you.")},
    )
    email = EmailField(
        label=_("E-mail"),
        required=False,
        help_text=_("For the confirmation, and a reminder the day before."),
        widget=forms.EmailInput({"autocomplete": "email"}),
    )
    symptoms = StillOffered(
        label=_("What brings you here?"),
        queryset=Symptom.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose all that apply."),
    )
    # Out of sight and out of the tab order: only a machine fills it.
    website = forms.CharField(
        label=_("Leave this empty"),
        required=False,
        max_length=200,
        widget=forms.TextInput({"autocomplete": "off", "tabindex": "-1", "data-never-kept": ""}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["symptoms"].queryset = Symptom.objects.visible().filter(is_active=True)
        if self.initial.get("is_passport"):
            self.fields["is_passport"].ask()

    def tell(self, mistakes: dict) -> None:
        if any(one["code"] == PERHAPS for one in mistakes.get("national_id", [])):
            self.fields["is_passport"].ask()
        super().tell(mistakes)

    def clean_national_id(self) -> str:
        value = normalise_national_id(self.cleaned_data["national_id"])
        if value:
            validate_national_id(value)
        return value

    @property
    def who(self) -> str:
        """Whose bookings are counted: the number's owner, or whoever has this name and day of birth."""
        said = self.cleaned_data
        return said["national_id"] or f"{said['full_name'].casefold()} {said['date_of_birth']}"

    def clean(self) -> dict[str, Any] | None:
        if self.cleaned_data.get("website"):
            raise ValidationError(_("Something filled a field that people do not see. Please send the form once more."))
        return super().clean()


class SurveyForm(ReadsSurvey, PublicForm):
    """The questions that are asked today."""

    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.update(survey_fields())
