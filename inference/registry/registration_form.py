"""The form by which a model is registered: in the admin, and under the command `register_model`."""

import json
from contextlib import closing
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import IntegrityError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from backoffice.files import apart
from backoffice.files.apart import Undone
from backoffice.formats.lists import listed
from backoffice.models import User
from backoffice.records.fields import LineField, LinesField, RealNumberField, WholeNumberField
from backoffice.records.forms import ClinicalForm
from backoffice.records.numbers import parse_number
from backoffice.records.relations import field_of
from inference.models import Diagnosis, DiagnosticModel
from inference.nn.weights_file import hash_of
from inference.registry import registration
from inference.registry.finding_words import in_words
from inference.registry.labels import LabelsError, diagnoses_of
from inference.registry.nursery import KIND
from inference.registry.registration import CardError

SMALLEST_INPUT, LARGEST_INPUT = 32, 1024
LARGEST_CARD = 1 << 20
MOST_OPTIONS = 50
ATTEMPTS = 5
# What a card of `train_models` does not say where its model sees films as all that are trained here do.
PREPARATION = ("fit", "interpolation", "clahe", "crop_share")
IMAGENET = {"mean": "0.485, 0.456, 0.406", "std": "0.229, 0.224, 0.225"}


class OptionsField(forms.JSONField):
    widget = forms.Textarea(attrs={"rows": 2})

    def prepare_value(self, value: object) -> Any:
        """Nothing is shown as nothing, not as JSON's null."""
        return "" if value is None else super().prepare_value(value)


class NumbersField(LineField):
    """One number for each channel, of 1 or 3: a list of floats."""

    def __init__(self, *, above_zero: bool = False, **kwargs: Any) -> None:
        super().__init__(max_length=200, **kwargs)
        self.above_zero = above_zero

    def to_python(self, value: object) -> Any:
        text = super().to_python(value)
        if not text:
            return []
        parts = [part for part in str(text).replace(";", ",").replace("，", ",").replace(" ", ",").split(",") if part]
        try:
            numbers = [float(parse_number(part)) for part in parts]
        except ValidationError as error:
            raise ValidationError(
                _("“%(text)s” is no list of numbers; write it like 0.485, 0.456, 0.406.") % {"text": text}
            ) from error
        if len(numbers) not in (1, 3):
            raise ValidationError(_("Give one number for a grey network, or three for one of three channels."))
        if self.above_zero and min(numbers) <= 0:
            raise ValidationError(_("Each number must be above 0."))
        return numbers


class RegistrationForm(ClinicalForm):
    """A safetensors file and what it is. What a card says is taken from there; the name and the version, from here."""

    weights = forms.FileField(label=gettext_lazy("Weights"), help_text=gettext_lazy("A safetensors file."))
    card = forms.FileField(
        label=gettext_lazy("Card"),
        required=False,
        help_text=gettext_lazy(
            "A JSON file that describes it, such as the “ensemble.json” of “train_models”. What it says goes before "
            "what is typed below."
        ),
    )
    version = LineField(
        label=gettext_lazy("Version"), required=False, max_length=40, help_text=gettext_lazy("Empty: the next number.")
    )
    labels = LinesField(
        label=gettext_lazy("Labels"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy(
            "What each output stands for, in order, one a line. Where its name does not tell: “name = diagnosis”."
        ),
    )
    input_size = WholeNumberField(
        label=gettext_lazy("Input size"),
        min_value=SMALLEST_INPUT,
        max_value=LARGEST_INPUT,
        initial=224,
        help_text=gettext_lazy("Edge of the square, in pixels."),
    )
    mean = NumbersField(
        label=gettext_lazy("Mean"),
        initial=IMAGENET["mean"],
        help_text=gettext_lazy(
            "Of pixels from 0 to 1: one number for a grey network, three for one of three channels."
        ),
    )
    std = NumbersField(label=gettext_lazy("Standard deviation"), initial=IMAGENET["std"], above_zero=True)
    temperature = RealNumberField(
        label=gettext_lazy("Temperature"),
        initial=1,
        min_value=0.01,
        max_value=100,
        help_text=gettext_lazy("Divides the logits: calibration."),
    )
    crop_share = RealNumberField(
        label=gettext_lazy("Share of the middle"),
        initial=1,
        min_value=0.1,
        max_value=1,
        required=False,
        help_text=gettext_lazy("Of the short edge, where the middle alone is taken: 0.875 for 224 out of 256."),
    )
    vote_weight = RealNumberField(label=gettext_lazy("Weight of its vote"), initial=1, min_value=0, max_value=1000)
    set_aside = forms.BooleanField(
        label=gettext_lazy("Set aside"),
        required=False,
        help_text=gettext_lazy("It is tried and kept, and does not answer in the shadow yet."),
    )

    class Meta:
        model = DiagnosticModel
        fields = [
            "weights", "card", "name", "version", "architecture", "options", "labels", "input_size", "mean", "std",
            "fit", "interpolation", "clahe", "crop_share", "temperature", "vote_weight", "is_demo", "set_aside",
        ]  # fmt: skip

    entry: dict[str, Any]
    """What the card says of these weights."""

    def __init__(self, data: Any = None, files: Any = None, **kwargs: Any) -> None:
        self.entry, self.card_error = {}, ""
        if data is not None and files and files.get("card"):
            data = self._with_card(data, files)
        super().__init__(data, files, **kwargs)
        self.fields["options"] = OptionsField(
            required=False, label=self.fields["options"].label, help_text=self.fields["options"].help_text
        )

    def _with_card(self, data: Any, files: Any) -> dict[str, Any]:
        """What was typed, under what the card says."""
        typed = {name: data.get(name) for name in data}
        try:
            self.entry = _entry_for(files["card"], files.get("weights"))
        except CardError as error:
            self.card_error = str(error)
            return typed
        usual = {name: field_of(DiagnosticModel, name).get_default() for name in PREPARATION}
        said = usual | {name: _as_typed(value) for name, value in registration.fields_of(self.entry).items()}
        named = {name: typed[name] for name in ("name", "version") if typed.get(name)}
        return {**typed, **said, **named}

    def clean_card(self) -> Any:
        if self.card_error:
            told = {"why": self.card_error}
            raise ValidationError(
                _("This describes no model: %(why)s. Give an “ensemble.json”, or one entry of it.") % told
            )
        return self.cleaned_data["card"]

    def clean_weights(self) -> Any:
        weights = self.cleaned_data["weights"]
        if weights.size > settings.WEIGHTS_MAX_SIZE:
            told = {"size": filesizeformat(weights.size), "most": filesizeformat(settings.WEIGHTS_MAX_SIZE)}
            raise ValidationError(
                _("The file is %(size)s; at most %(most)s are taken. WEIGHTS_MAX_SIZE says how much.") % told
            )
        try:
            with closing(apart.values("inference.nn.weights_file:described", weights, kind=KIND)) as answers:
                findings = next(answers)["findings"]
        except Undone as undone:
            raise ValidationError(str(undone)) from undone
        if findings:
            raise ValidationError(in_words(findings))
        self.instance.sha256 = hash_of(weights)
        if self.entry.get("sha256") not in (None, self.instance.sha256):
            raise ValidationError(
                _("The card describes other weights: its SHA-256 is another. Choose the file that it names.")
            )
        return weights

    def clean_options(self) -> dict[str, Any]:
        options = self.cleaned_data["options"] or {}
        if not isinstance(options, dict) or len(options) > MOST_OPTIONS or not registration.can_be_kept(options):
            raise ValidationError(_('Write the options as a JSON object, such as {"img_size": 256}.'))
        return options

    def clean_labels(self) -> list[str]:
        try:
            labels = diagnoses_of(self.cleaned_data["labels"])
        except LabelsError as error:
            raise ValidationError(_what_labels_lack(error)) from error
        if len(labels) < 2:
            raise ValidationError(_("A network tells at least two diagnoses apart. Name one for each output."))
        return labels

    def clean_crop_share(self) -> float:
        return self.cleaned_data.get("crop_share") or 1.0

    def clean_version(self) -> str:
        return self.cleaned_data.get("version") or registration.next_version(self.cleaned_data.get("name", ""))

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        mean, std = cleaned.get("mean"), cleaned.get("std")
        if mean and std and len(mean) != len(std):
            self.add_error("std", _("Give as many numbers as for the mean: one for each channel."))
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django has it, its stubs not
        if not self.errors and (same := registration.same_as(self.instance)):
            told = {"name": same.name, "version": same.version}
            self.add_error(
                None,
                _("These weights are registered already, with this description: %(name)s, version %(version)s.") % told,
            )

    def register(self, *, by: User | None = None, wake: bool = True) -> DiagnosticModel:
        """Keep what the valid form describes, for a worker to try. Raises IntegrityError where the version that was
        typed has been taken meanwhile."""
        model: DiagnosticModel = self.instance
        set_aside = self.cleaned_data["set_aside"]
        model.stage = DiagnosticModel.Stage.ASIDE if set_aside else DiagnosticModel.Stage.SHADOW
        model.is_active = False
        model.metrics = registration.metrics_of(self.entry)
        self._keep(model, self.cleaned_data["weights"], by=by, reason=gettext_noop("Registered"), wake=wake)
        return model

    def _keep(self, model: DiagnosticModel, weights: File, **how: Any) -> None:
        is_given = bool(self.data.get("version"))
        for attempt in range(1, ATTEMPTS + 1):
            model.weights = None  # which the form has put there by the browser's name
            try:
                registration.keep(model, weights, **how)
                return
            except IntegrityError:  # somebody was quicker with this number
                if is_given or attempt == ATTEMPTS:
                    raise
                model.version = registration.next_version(model.name)


def _entry_for(card: Any, weights: Any) -> dict[str, Any]:
    """What a card says of these weights: by their hash or name, or all that it says. Raises CardError."""
    if card.size > LARGEST_CARD:
        raise CardError(_("it is larger than 1 MB"))
    entries = registration.entries_of(card.read())
    if len(entries) == 1 or weights is None:
        return entries[0]
    sha256 = hash_of(weights)
    found = [one for one in entries if one.get("sha256") == sha256 or one.get("file") == weights.name]
    if not found:
        raise CardError(_("none of its models has these weights"))
    return found[0]


def _as_typed(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _what_labels_lack(error: LabelsError) -> list[str]:
    said = []
    if error.unmapped:
        told = {"outputs": listed(error.unmapped), "diagnoses": listed(Diagnosis.values)}
        said.append(
            _(
                "No diagnosis is known by these names: %(outputs)s. Write “name = diagnosis”; the diagnoses are "
                "%(diagnoses)s."
            )
            % told
        )
    if error.twice:
        told = {"diagnoses": listed(error.twice)}
        said.append(_("Several outputs stand for %(diagnoses)s. Each diagnosis has one output.") % told)
    return said
