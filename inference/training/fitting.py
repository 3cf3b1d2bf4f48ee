"""Train one network and calibrate it. Torch; no Django."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inference.nn import backbones
from inference.training.data import Inputs

BATCH_SIZE = 16  # small: on a few thousand pictures it is the number of steps that counts
WEIGHT_DECAY = 0.05
WARM_UP = 0.15  # of all steps
LARGEST_GRADIENT = 1.0
POSITION_STD = 0.5


@dataclass(frozen=True)
class Recipe:
    """How one model is built and trained."""

    name: str
    architecture: str
    options: dict[str, Any] = field(default_factory=dict)
    epochs: int = 6
    learning_rate: float = 2e-3
    takes_image_size: bool = False  # transformers are built for one input size


@dataclass(frozen=True)
class Fitted:
    """A trained network (on the CPU), how it was built, and what its logits are to be divided by."""

    network: nn.Module
    options: dict[str, Any]
    mean: float
    std: float
    temperature: float
    validation_accuracy: float
    epochs: int


def fit(
    recipe: Recipe,
    inputs: Inputs,
    validation: Inputs,
    *,
    classes: int,
    seed: int,
    augment: bool,
    device: torch.device,
    report: Callable[[str], None],
) -> Fitted:
    """Train one network on `inputs` and fit its temperature on `validation`.

    `report` gets a line after each epoch. Raises WeightsError where the recipe's network cannot
    be built for pictures of this size.
    """
    started = time.monotonic()
    torch.manual_seed(seed)
    size = inputs.pictures.shape[-1]
    options = recipe.options | ({"img_size": size} if recipe.takes_image_size else {})
    network = backbones.build(recipe.architecture, options, classes, channels=1)
    _make_positions_heard(network)
    network = network.to(device, memory_format=torch.channels_last)
    scaling = float(inputs.pictures.mean() / 255), float(inputs.pictures.std() / 255)
    optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.learning_rate,
        epochs=recipe.epochs,
        steps_per_epoch=-(-len(inputs.labels) // BATCH_SIZE),
        pct_start=WARM_UP,
    )
    targets = torch.from_numpy(validation.labels)
    for epoch in range(1, recipe.epochs + 1):
        losses = []
        for pictures, labels in _batches(inputs, scaling, device):
            loss = F.cross_entropy(network.train()(_augmented(pictures) if augment else pictures), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        logits = _logits(network, validation, scaling, device)
        accuracy = (logits.argmax(1) == targets).float().mean().item()
        report(
            f"{recipe.name}: epoch {epoch}/{recipe.epochs}, loss {np.mean(losses):.3f}, "
            f"validation accuracy {accuracy:.1%}, {time.monotonic() - started:.0f} s"
        )
    temperature = fit_temperature(logits, targets)
    return Fitted(network.cpu().eval(), options, *scaling, temperature, accuracy, recipe.epochs)


def _make_positions_heard(network: nn.Module) -> None:
    """Draw position parameters as large as what patches say.

    timm draws them 30 times smaller, for schedules of hundreds of epochs; in a few, a small
    transformer would not find out where its patches are (accuracy stayed at chance).
    """
    for name, parameter in network.named_parameters():
        if "pos_embed" in name or "relative_position_bias" in name:
            nn.init.normal_(parameter, std=POSITION_STD)


def _batches(
    inputs: Inputs, scaling: tuple[float, float], device: torch.device
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for batch in torch.randperm(len(inputs.labels)).split(BATCH_SIZE):
        if len(batch) == 1 and len(inputs.labels) > 1:
            continue  # batch normalisation has nothing to normalise one picture by
        chosen = batch.numpy()
        labels = torch.from_numpy(inputs.labels[chosen]).to(device)
        yield _tensor(inputs.pictures[chosen], scaling, device), labels


def _augmented(pictures: Tensor) -> Tensor:
    """Turn, zoom and shift each picture a little, and change its exposure; N×1×H×W.

    Pictures are not mirrored: the heart is on one side.
    """
    count = len(pictures)
    angle, zoom = 0.07 * torch.randn(count), 1 + 0.05 * torch.randn(count)
    cosine, sine = zoom * angle.cos(), zoom * angle.sin()
    shift = 0.05 * torch.randn(2, count)
    rows = torch.stack((cosine, -sine, shift[0], sine, cosine, shift[1]), 1).view(count, 2, 3)
    grid = F.affine_grid(rows.to(pictures.device), list(pictures.shape), align_corners=False)
    moved = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    gain, offset = 0.1 * torch.randn(2, count, 1, 1, 1).to(pictures.device)
    return moved * (1 + gain) + offset


@torch.no_grad()
def _logits(network: nn.Module, inputs: Inputs, scaling: tuple[float, float], device: torch.device) -> Tensor:
    network.eval()
    batches = np.array_split(inputs.pictures, -(-len(inputs.labels) // (4 * BATCH_SIZE)))
    return torch.cat([network(_tensor(batch, scaling, device)).cpu() for batch in batches])


def _tensor(pictures: np.ndarray, scaling: tuple[float, float], device: torch.device) -> Tensor:
    mean, std = scaling
    tensor = torch.from_numpy(pictures).to(device).unsqueeze(1).float() / 255
    return ((tensor - mean) / std).contiguous(memory_format=torch.channels_last)


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature that makes softmax(logits / temperature) most likely.

    Temperature scaling (Guo et al., On Calibration of Modern Neural Networks, ICML 2017).
    `logits` float N×classes, `labels` int64 N. Kept within 0.25–10: pictures that are all
    answered rightly would drive it to zero, and with it every doubt.
    """
    candidates = torch.logspace(np.log10(0.25), 1, 200)
    losses = [F.cross_entropy(logits / temperature, labels).item() for temperature in candidates]
    return float(candidates[int(np.argmin(losses))])
