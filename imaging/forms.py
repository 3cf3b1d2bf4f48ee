import datetime
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.formats.lists import in_turn
from backoffice.records.fields import DayField, LineField, LinesField
from backoffice.records.forms import ClinicalForm
from clinic.models import Patient
from imaging import ingest, settling, whose
from imaging.models import THEIRS_BECAUSE_LENGTH, XRayImage


class SeveralFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class SeveralFilesField(forms.FileField):
    """A list of files. Empty ones pass: the door refuses each by its name, and keeps the others."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=SeveralFilesInput(attrs={"accept": ingest.ACCEPTED}), allow_empty_file=True, **kwargs)

    def clean(self, data: Sequence[UploadedFile] | None, initial: Sequence[File] | None = None) -> list[UploadedFile]:
        clean_one = super().clean
        return [clean_one(one, initial) for one in data or [None]]  # type: ignore[list-item]  # where there is none


class PatientSearch(AutocompleteSelect):
    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(XRayImage._meta.get_field("patient"), admin.site, attrs)

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        # Without a placeholder the empty field has no name for a screen reader.
        return super().build_attrs(base_attrs, extra_attrs) | {"data-placeholder": _("Name or national ID")}


def not_still_to_come(day: datetime.date) -> None:
    if day > timezone.localdate():
        raise ValidationError(_("This day is still to come: check the year."))


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")  # what browsers understand, whatever the language


class UploadForm(forms.Form):
    """Several films of one patient at once."""

    patient = forms.ModelChoiceField(
        Patient.objects.visible(),
        label=_("Patient"),
        widget=PatientSearch,
        error_messages={"invalid_choice": _("This patient's record is not there any more: it was hidden, or merged.")},
    )
    files = SeveralFilesField(label=_("X-rays"))  # type: ignore[assignment]  # a field, which Django takes away
    view = forms.ChoiceField(
        choices=[("", _("not given")), *XRayImage.View.choices],
        label=_("View"),
        required=False,
        help_text=_("For files that do not say it themselves, as DICOM does."),
    )
    taken_on = DayField(label=_("Taken on"), required=False, widget=DayInput, validators=[not_still_to_come])
    notes = LinesField(label=_("Notes"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    confirmed_because = LineField(
        label=_("Why they are this patient’s all the same"),
        max_length=THEIRS_BECAUSE_LENGTH,
        required=False,
        help_text=_(
            "For files that say otherwise: such as “the name was mistyped at the machine”. It stays with them."
        ),
    )

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        patient, day = cleaned.get("patient"), cleaned.get("taken_on")
        if patient and day and (why := whose.impossible_day(day, patient)):
            self.add_error("taken_on", why)
        return cleaned


class XRayForm(ClinicalForm):
    """What people may set right on an X-ray later: whose it is, from which visit, what it shows."""

    class Meta:
        model = XRayImage
        fields = ["patient", "appointment", "view", "taken_on", "notes"]
        widgets = {"taken_on": DayInput}

    def _get_validation_exclusions(self) -> set[str]:
        # Not shown, and half of the rule that a patient has a file once.
        return super()._get_validation_exclusions() - {"sha256"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "appointment" in self.fields:
            appointment: Any = self.fields["appointment"]
            appointment.queryset = self.instance.patient.appointments.select_related("patient", "session")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        patient, appointment = cleaned.get("patient"), cleaned.get("appointment")
        if patient and appointment and appointment.patient_id != patient.pk:
            self.add_error(
                "appointment", _("This visit is another patient's. Choose none, or one of the patient's own.")
            )
        if patient and "patient" in self.changed_data:
            self._move_to(patient)
        return cleaned

    def _move_to(self, patient: Patient) -> None:
        if lost := settling.what_a_move_undoes(self.instance):
            why = _("Moving it needs a reason: press “Whose film is this?” and give it there.")
            self.add_error("patient", in_turn([*lost, str(why)]))
        else:
            self._compare_with(patient)

    def _compare_with(self, patient: Patient) -> None:
        """Note on the film what its file says against its new owner."""
        try:
            named = ingest.said(self.instance.original, self.instance.width).named
        except ingest.Refused as refusal:
            self.add_error("patient", str(refusal))
        else:
            self.instance.settled_conflict, self.instance.theirs_because = {}, ""
            self.instance.identity_conflict = whose.conflicts(named, patient)
