"""Train the demonstration's ensemble on phantoms, measure it on held-out ones, and write it as files. No Django."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inference.nn import backbones, consensus
from inference.nn.engine import Ensemble, ModelAnswer, choose_device
from inference.nn.model_files import spec_for, write_ensemble, write_weights
from inference.nn.preprocessing import AS_TRAINED_HERE, Preprocessing
from inference.training.data import Inputs, Sample, Split, TrainingDataError, load_readable, prepare
from inference.training.fitting import Fitted, Recipe, fit

Report = Callable[[str], None]

# Small members of the six families, built by timm's own options. A stride of 16 instead of 32
# makes their heat maps twice as fine.
RECIPES = (
    Recipe(
        "ResNet-50",
        "resnet50",
        {"layers": [1, 1, 1, 1], "channels": [16, 32, 64, 128], "output_stride": 16},
        epochs=5,
    ),
    Recipe("DenseNet-121", "densenet121", {"growth_rate": 12, "block_config": [3, 6, 6]}, epochs=5),
    Recipe("EfficientNet-B0", "efficientnet_b0", epochs=5, learning_rate=1e-3),
    Recipe(
        "ViT-B/16",
        "vit_base_patch16_224",
        {"embed_dim": 128, "depth": 4, "num_heads": 4, "class_token": False, "global_pool": "avg"},
        epochs=14,
        learning_rate=5e-4,
        takes_image_size=True,
    ),
    Recipe(
        "Swin-T",
        "swin_tiny_patch4_window7_224",
        {"patch_size": 8, "embed_dim": 64, "depths": [2, 4], "num_heads": [2, 4], "window_size": 6},
        epochs=10,
        learning_rate=5e-4,
        takes_image_size=True,
    ),
    Recipe(
        "CrossViT-Tiny",
        "crossvit_tiny_240",
        {"embed_dim": [48, 96], "img_scale": [1.0, 1.0], "patch_size": [8, 16]},
        epochs=10,
        learning_rate=5e-4,
        takes_image_size=True,
    ),
)
EVALUATED_AT_ONCE = 64


@dataclass(frozen=True)
class Run:
    """What to train, on what, and how. `command` is for the model cards."""

    split: Split
    recipes: Sequence[Recipe]
    size: int
    seed: int
    command: str
    device: str = "auto"


def train_ensemble(run: Run, out: Path, report: Report) -> dict[str, Any]:
    """Train every recipe, write weights, cards and `ensemble.json` into `out`.

    Returns what `ensemble.json` holds: "models" and the "consensus"'s held-out figures.
    `report` gets a line for each step and for each picture that could not be read.
    Raises TrainingDataError where no picture of a part can be read, WeightsError where a
    recipe's options do not fit the input size.
    """
    device = choose_device(run.device)  # first: a mistake here should not cost the preparing
    skipped = Skipped(report)
    report(f"preparing {len(run.split.train)} + {len(run.split.validation)} pictures")
    inputs = prepare(run.split.train, run.size, skipped)
    validation = prepare(run.split.validation, run.size, skipped)
    entries = _train_all(run, device, inputs, validation, out, report)
    report(f"asking the ensemble about {len(run.split.held_out)} held-out pictures")
    joint = _measure(entries, run, out, skipped)
    if skipped.count:
        report(f"{skipped.count} pictures could not be read and were skipped")
    write_ensemble(out, entries, joint)
    return {"models": entries, "consensus": joint}


class Skipped:
    """Says and counts the pictures that could not be read."""

    def __init__(self, report: Report) -> None:
        self.report, self.count = report, 0

    def __call__(self, name: str, error: Exception) -> None:
        self.count += 1
        self.report(f"skipped {name}: {error}")


def _train_all(
    run: Run, device: torch.device, inputs: Inputs, validation: Inputs, out: Path, report: Report
) -> list[dict[str, Any]]:
    # What remains of the split is small enough to send to other processes.
    described = replace(run, split=replace(run.split, train=[], validation=[], held_out=[]))
    train_one = partial(_train_one, run=described, device=device, inputs=inputs, validation=validation, out=out)
    workers = min(os.cpu_count() or 1, len(run.recipes))
    if device.type != "cpu" or workers == 1:
        return [train_one(recipe, report=report) for recipe in run.recipes]
    return _train_on_processes(train_one, run.recipes, workers, report)


def _train_on_processes(train_one: Callable, recipes: Sequence[Recipe], workers: int, report: Report) -> list[dict]:
    """Train as many networks at a time as there are cores: networks this small would spend
    most of their time waiting for one another's threads if one had all the cores."""
    context = multiprocessing.get_context("spawn")  # torch does not survive a fork
    lines = context.SimpleQueue()
    listener = threading.Thread(target=_pass_on, args=(lines, report))
    listener.start()
    try:
        with ProcessPoolExecutor(workers, context, _start_worker, (lines,)) as pool:
            # The slowest come last in RECIPES; begun first, they leave no core idle at the end.
            futures = [pool.submit(_train_in_worker, train_one, recipe) for recipe in reversed(recipes)]
            return [future.result() for future in reversed(futures)]
    finally:
        lines.put(None)
        listener.join()


def _pass_on(lines: Any, report: Report) -> None:
    for line in iter(lines.get, None):
        report(line)


_lines: Any
"""Of a worker: what it says to the process that started it."""


def _start_worker(lines: Any) -> None:
    global _lines
    _lines = lines
    torch.set_num_threads(1)


def _train_in_worker(train_one: Callable, recipe: Recipe) -> dict[str, Any]:
    return train_one(recipe, report=_lines.put)


def _train_one(
    recipe: Recipe, *, run: Run, device: torch.device, inputs: Inputs, validation: Inputs, out: Path, report: Report
) -> dict[str, Any]:
    """Train a network and write its weights; return its entry in `ensemble.json`, yet without metrics."""
    fitted = fit(
        recipe,
        inputs,
        validation,
        classes=len(run.split.labels),
        seed=run.seed,
        device=device,
        report=report,
    )
    made = {"command": run.command, "origin": run.split.origin, "seed": run.seed}
    made |= {"pictures": len(inputs.labels), "validation_pictures": len(validation.labels)}
    return entry_of(recipe, fitted, run.split.labels, run.size, made, out) | {"is_demo": True}


def entry_of(
    recipe: Recipe,
    fitted: Fitted,
    labels: Sequence[str],
    size: int,
    made: dict[str, Any],
    out: Path,
    preprocessing: Preprocessing = AS_TRAINED_HERE,
) -> dict[str, Any]:
    """Write a network's weights; return its entry in `ensemble.json`, yet without metrics."""
    file, sha256 = write_weights(out, recipe.name, fitted.network)
    return {
        "name": recipe.name,
        "version": sha256[:8],
        "architecture": recipe.architecture,
        "options": fitted.options,
        "file": file,
        "sha256": sha256,
        "labels": list(labels),
        "input_size": size,
        "preprocessing": asdict(preprocessing),
        "mean": [fitted.mean],
        "std": [fitted.std],
        "temperature": fitted.temperature,
        "vote_weight": 1.0,
        "is_demo": False,
        "metrics": {},
        "training": {
            **made,
            "epochs": fitted.epochs,
            "validation_accuracy": fitted.validation_accuracy,
            "parameters": sum(p.numel() for p in fitted.network.parameters()),
            "torch": torch.__version__,
            "timm": backbones.import_timm().__version__,
        },
    }


def _measure(entries: list[dict], run: Run, out: Path, skipped: Skipped) -> dict[str, Any]:
    """Ask the written files about the held-out pictures; fill in each entry's metrics.

    Returns the same figures for the consensus.
    """
    ensemble = Ensemble([spec_for(entry, out) for entry in entries], run.device)
    read, answered = ask_about(ensemble, run.split.held_out, skipped)
    truths = [sample.label for sample in read]
    labels = run.split.labels
    for n, entry in enumerate(entries):
        entry["metrics"] = figures(labels, truths, [row[n].probabilities for row in answered])
    joint = [
        consensus.decide([consensus.Vote(a.model, a.probabilities) for a in row]).probabilities for row in answered
    ]
    return {"models": len(entries), **figures(labels, truths, joint)}


def ask_about(
    ensemble: Ensemble, samples: Sequence[Sample], skipped: Callable[[str, Exception], None]
) -> tuple[list[Sample], list[list[ModelAnswer]]]:
    """Return the readable samples, and every model's answer about each.

    Raises TrainingDataError where none is readable.
    """
    read: list[Sample] = []
    answered: list[list[ModelAnswer]] = []
    for start in range(0, len(samples), EVALUATED_AT_ONCE):
        loaded = list(load_readable(samples[start : start + EVALUATED_AT_ONCE], skipped))
        read += [sample for sample, _ in loaded]
        answered += ensemble.predict([picture for _, picture in loaded], heatmaps=False)
    if not read:
        raise TrainingDataError("none of the held-out pictures could be read")
    return read, answered


def figures(labels: Sequence[str], truths: Sequence[int], probabilities: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Return accuracy, log loss (nats) and each class's recall; a class without pictures has none."""
    table = np.array([[row[label] for label in labels] for row in probabilities])
    truth = np.array(truths)
    right = table.argmax(1) == truth
    return {
        "pictures": len(truth),
        "accuracy": float(right.mean()),
        "log_loss": float(-np.log(table[np.arange(len(truth)), truth].clip(1e-12)).mean()),
        "recall": {label: float(right[truth == n].mean()) for n, label in enumerate(labels) if (truth == n).any()},
    }
