"""Taking a model in: its weights into private storage, with their hash. A worker tries them before they vote."""

import hashlib
import json
from pathlib import Path
from typing import Any

from django.core.files import File
from django.db import transaction

from inference.models import DiagnosticModel
from inference.requests import wake_a_worker

ENSEMBLE_FILE = "ensemble.json"


def register(weights: Path, **fields: Any) -> DiagnosticModel:
    """Keep a copy of a safetensors file and the row that describes it. `fields` are DiagnosticModel's.

    Raises IntegrityError where the name and version are taken; no file is left behind then.
    """
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        model = DiagnosticModel(sha256=digest, **fields)
        model.weights.save(weights.name, File(file), save=False)
    try:
        with transaction.atomic():
            model.save()
            wake_a_worker()
    except BaseException:
        model.weights.delete(save=False)
        raise
    return model


def register_folder(folder: Path) -> list[DiagnosticModel]:
    """Register what `train_models` wrote into a folder, but for what is registered already (by name and version)."""
    registered = []
    known = {field.name for field in DiagnosticModel._meta.fields} - {"sha256"}
    for entry in json.loads((folder / ENSEMBLE_FILE).read_text(encoding="utf-8"))["models"]:
        fields = {name: value for name, value in entry.items() if name in known}
        if not DiagnosticModel.objects.filter(name=entry["name"], version=entry["version"]).exists():
            registered.append(register(folder / entry["file"], **fields))
    return registered
