"""Trained models as files: safetensors, a model card each, and `ensemble.json` over them. No Django."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import nn

from inference.nn.cards import ENSEMBLE_FILE, card
from inference.nn.engine import ModelSpec
from inference.nn.preprocessing import Preprocessing


def write_weights(folder: Path, name: str, network: nn.Module) -> tuple[str, str]:
    """Write a network's weights in half precision; return the file's name and its SHA-256."""
    state = {
        key: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for key, tensor in network.state_dict().items()
    }
    content = save(state)
    file = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / file, content)
    return file, hashlib.sha256(content).hexdigest()


def spec_for(entry: Mapping[str, Any], folder: Path) -> ModelSpec:
    """Return the model that an entry of `ensemble.json` describes, as the engine takes it."""
    return ModelSpec(
        name=entry["name"],
        architecture=entry["architecture"],
        options=entry["options"],
        weights=folder / entry["file"],
        sha256=entry["sha256"],
        labels=tuple(entry["labels"]),
        input_size=entry["input_size"],
        mean=tuple(entry["mean"]),
        std=tuple(entry["std"]),
        temperature=entry["temperature"],
        preprocessing=Preprocessing(**entry.get("preprocessing", {})),
    )


def read_ensemble(folder: Path) -> list[ModelSpec]:
    """Return the models that the folder's `ensemble.json` describes."""
    document = json.loads((folder / ENSEMBLE_FILE).read_text(encoding="utf-8"))
    return [spec_for(entry, folder) for entry in document["models"]]


def write_ensemble(folder: Path, entries: Sequence[Mapping[str, Any]], consensus: Mapping[str, Any]) -> None:
    """Write `ensemble.json` — the models and the consensus's held-out figures — and a card per model."""
    document = {"models": entries, "consensus": consensus}
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    for entry in entries:
        write_whole((folder / entry["file"]).with_suffix(".md"), card(entry, consensus).encode())
    write_whole(folder / ENSEMBLE_FILE, text.encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write aside and then take the name: nobody reads half of it."""
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(content)
    draft.replace(path)
