"""Trained models as files: safetensors, a model card each, and `ensemble.json` over them. No Django."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import nn

from inference.nn.engine import ModelSpec
from inference.nn.preprocessing import Preprocessing

ENSEMBLE_FILE = "ensemble.json"


def write_weights(folder: Path, name: str, network: nn.Module) -> tuple[str, str]:
    """Write a network's weights in half precision; return the file's name and its SHA-256."""
    state = {
        key: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for key, tensor in network.state_dict().items()
    }
    content = save(state)
    file = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    _write_whole(folder / file, content)
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
        _write_whole((folder / entry["file"]).with_suffix(".md"), _card(entry, consensus).encode())
    _write_whole(folder / ENSEMBLE_FILE, text.encode())


def _write_whole(path: Path, content: bytes) -> None:
    """Write aside and then take the name: nobody reads half of it."""
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(content)
    draft.replace(path)


DEMONSTRATION = """\
**This is a demonstration.** It was trained on synthetic pictures that a program draws, has never
seen a patient's X-ray, and has no medical value. Its answers about real X-rays mean nothing.
"""
NOT_A_DEVICE = """\
This model is not a medical device. The figures below hold for pictures like those it was trained
on and for no others; a clinician decides.
"""


def _card(entry: Mapping[str, Any], consensus: Mapping[str, Any]) -> str:
    metrics, made = entry["metrics"], entry["training"]
    recalls = "\n".join(f"| {label} | {recall:.1%} |" for label, recall in metrics["recall"].items())
    options = json.dumps(entry["options"]) if entry["options"] else "none"
    return f"""\
# {entry["name"]}

{DEMONSTRATION if entry["is_demo"] else NOT_A_DEVICE}
| | |
| --- | --- |
| weights | `{entry["file"]}`, half precision |
| SHA-256 | `{entry["sha256"]}` |
| architecture | timm's `{entry["architecture"]}`, {made["parameters"] / 1e6:.2f} million parameters |
| options | `{options}` |
| input | CLAHE, squashed to {entry["input_size"]}×{entry["input_size"]}, one grey channel; \
mean {entry["mean"][0]:.4f}, standard deviation {entry["std"][0]:.4f} of pixels in 0–1 |
| output | {", ".join(entry["labels"])}; logits divided by {entry["temperature"]:.3f} |

## How it was made

`{made["command"]}`: {made["pictures"]} pictures, {made["epochs"]} epochs, seed {made["seed"]}, torch {made["torch"]}, \
timm {made["timm"]}.
The pictures: {made["origin"]}.
The temperature was fitted on {made["validation_pictures"]} validation pictures (accuracy there: \
{made["validation_accuracy"]:.1%}).

## Held out

{metrics["pictures"]} pictures that were neither trained nor tuned on, asked as the application asks, \
with these very weights:
accuracy **{metrics["accuracy"]:.1%}**, log loss {metrics["log_loss"]:.3f}. \
The consensus of all {consensus["models"]} models: {consensus["accuracy"]:.1%}.

| class | found |
| --- | --- |
{recalls}
"""
