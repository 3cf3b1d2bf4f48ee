"""Taking a model in: its description checked, its weights into private storage, with their hash, as a version of its
name. A worker tries them before they answer, and they answer in the shadow before they vote (stages.py)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext as _

from backoffice.models import User
from inference.models import DiagnosticModel
from inference.nn.cards import ENSEMBLE_FILE
from inference.nn.weights_file import hash_of
from inference.requests import wake_a_worker

# What a version says beside its name and its weights: two that say the same of the same weights are one.
DESCRIPTION = (
    "architecture", "options", "labels", "input_size", "mean", "std", "fit", "interpolation", "clahe", "crop_share",
    "temperature",
)  # fmt: skip


class CardError(ValueError):
    """The file that should describe a model does not; the message says why."""


def register(weights: Path, **fields: Any) -> DiagnosticModel:
    """Keep a copy of a safetensors file and the row that describes it. `fields` are DiagnosticModel's.

    Raises IntegrityError where the name and version are taken; no file is left behind then.
    """
    with weights.open("rb") as file:
        model = DiagnosticModel(sha256=hash_of(file), **fields)
        keep(model, File(file, name=weights.name))
    return model


def keep(model: DiagnosticModel, weights: File, *, by: User | None = None, reason: str = "", wake: bool = True) -> None:
    """Save a new version and its weights, or neither; a worker tries it once this is committed."""
    model._history_user, model._change_reason = by, reason
    model.weights.save(str(weights.name), weights, save=False)
    try:
        with transaction.atomic():
            model.save()
            if wake:
                wake_a_worker()
    except BaseException:
        model.weights.delete(save=False)
        raise


def next_version(name: str) -> str:
    """The first number that no version of the name has yet, counted from how many there are."""
    taken = set(DiagnosticModel.objects.filter(name=name).values_list("version", flat=True))
    number = len(taken) + 1
    while str(number) in taken:
        number += 1
    return str(number)


def same_as(model: DiagnosticModel) -> DiagnosticModel | None:
    """A version that is registered already and says the same of the same weights."""
    others = DiagnosticModel.objects.filter(name=model.name, sha256=model.sha256)
    return next((o for o in others if all(getattr(o, name) == getattr(model, name) for name in DESCRIPTION)), None)


def entries_of(card: bytes) -> list[dict[str, Any]]:
    """What a card says of each model: `ensemble.json` as train_models writes it, or one entry. Raises CardError."""
    try:
        document = json.loads(card)
        entries = document.get("models", [document])
        if not all(isinstance(entry, dict) and entry.get("architecture") for entry in entries):
            raise CardError(_("it names no architecture"))
        if not can_be_kept(entries):
            raise CardError(_("it holds signs or numbers that cannot be kept"))
    except (ValueError, AttributeError, RecursionError, TypeError) as error:
        raise CardError(str(error)) from error
    return entries


def can_be_kept(value: Any) -> bool:
    """Whether every database takes it as JSON: no NaN, no infinity, no NUL, no half of a sign."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError:
        return False
    return "\\u0000" not in text


def fields_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A card's entry as DiagnosticModel names its fields; what is none of them is left out."""
    known = {field.name for field in DiagnosticModel._meta.fields if field.editable} - {"weights", "is_active"}
    preprocessing = entry.get("preprocessing")
    said = {**entry, **(preprocessing if isinstance(preprocessing, dict) else {})}
    return {name: value for name, value in said.items() if name in known}


def metrics_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A card's held-out figures, where they are figures."""
    metrics = entry.get("metrics")
    if isinstance(metrics, dict) and isinstance(metrics.get("accuracy", 0), int | float):
        return dict(metrics)
    return {}


def register_folder(folder: Path) -> list[DiagnosticModel]:
    """Register what `train_models` wrote into a folder, but for what is registered already (by name and version).

    They vote at once, in place of other versions of their names: for demonstration models alone.
    """
    registered = []
    for entry in entries_of((folder / ENSEMBLE_FILE).read_bytes()):
        versions = DiagnosticModel.objects.filter(name=entry["name"])
        if versions.filter(version=entry["version"]).exists():
            continue
        with transaction.atomic():
            _retire(versions)
            registered.append(register(folder / entry["file"], **fields_of(entry)))
    return registered


def _retire(versions: Any) -> None:
    for version in versions.filter(stage=DiagnosticModel.Stage.ACCEPTED).select_for_update(of=("self",), no_key=True):
        version.stage, version.is_active = DiagnosticModel.Stage.RETIRED, False
        version.save()
