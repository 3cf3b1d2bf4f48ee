"""What the engine is asked with, and what it answers. No torch, no Django."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.nn.preprocessing import AS_TRAINED_HERE, Preprocessing


@dataclass(frozen=True)
class ModelSpec:
    """How to build a model and read its answers.

    `mean` and `std` are of pixels scaled to 0–1, one per input channel (1 or 3). `labels` are
    in the order of the outputs. Logits are divided by `temperature` before the softmax.
    `preprocessing` says how its pictures were made.
    """

    name: str
    architecture: str
    options: dict[str, Any]
    weights: Path
    sha256: str
    labels: tuple[str, ...]
    input_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    temperature: float = 1.0
    preprocessing: Preprocessing = AS_TRAINED_HERE


@dataclass(frozen=True)
class ModelAnswer:
    """One model's answer about one picture.

    `probabilities` are calibrated and sum to 1; `confidence` is the diagnosis's. `heatmap` is
    uint8 64×64 and covers exactly the picture, whatever its shape: 255 where most speaks for the
    diagnosis; None where none was asked for or the network has none. `milliseconds` is this
    picture's share of its batch, without loading the model.
    """

    model: str
    sha256: str
    probabilities: dict[str, float]
    diagnosis: str
    confidence: float
    milliseconds: float
    heatmap: np.ndarray | None
