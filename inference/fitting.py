"""Train one network and calibrate it. Torch; no Django."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inference import backbones
from inference.training_data import Inputs

BATCH_SIZE = 16
WEIGHT_DECAY = 0.05
POSITION_STD = 0.5


@dataclass(frozen=True)
class Recipe:
    """How one model is built and trained.

    `half_size_epochs` of the epochs, the first ones, see pictures of half the size: a quarter of
    the work while the coarse is learnt (progressive learning: Tan and Le, EfficientNetV2, ICML 2021).
    """

    name: str
    architecture: str
    options: dict[str, Any] = field(default_factory=dict)
    epochs: int = 6
    half_size_epochs: int = 0
    learning_rate: float = 2e-3
    takes_image_size: bool = False  # transformers are built for one input size


@dataclass(frozen=True)
class Fitted:
    """A trained network, how it was built, and what its logits are to be divided by."""

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
    classes: int,
    seed: int,
    device: torch.device,
    report: Callable[[str], None],
    epochs: int | None = None,
) -> Fitted:
    """Train one network on `inputs` and fit its temperature on `validation`."""
    started = time.monotonic()
    torch.manual_seed(seed)
    epochs = epochs or recipe.epochs
    size = inputs.pictures.shape[-1]
    options = recipe.options | ({"img_size": size} if recipe.takes_image_size else {})
    network = backbones.build(recipe.architecture, options, classes, channels=1)
    _make_positions_heard(network)
    network = network.to(device, memory_format=torch.channels_last)
    mean, std = float(inputs.pictures.mean() / 255), float(inputs.pictures.std() / 255)
    optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=WEIGHT_DECAY)
    steps = epochs * -(-len(inputs.labels) // BATCH_SIZE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps, pct_start=0.15)
    targets = torch.from_numpy(validation.labels)
    for epoch in range(1, epochs + 1):
        scale = 0.5 if epoch <= min(recipe.half_size_epochs, epochs - 1) else 1.0
        loss = _epoch(network, inputs, mean, std, optimizer, schedule, device, scale)
        logits = _logits(network, validation, mean, std, device)
        accuracy = (logits.argmax(1) == targets).float().mean().item()
        report(
            f"{recipe.name}: epoch {epoch}/{epochs}, loss {loss:.3f}, "
            f"validation accuracy {accuracy:.1%}, {time.monotonic() - started:.0f} s"
        )
    temperature = fit_temperature(logits, targets)
    return Fitted(network.cpu().eval(), options, mean, std, temperature, accuracy, epochs)


def _make_positions_heard(network: nn.Module) -> None:
    """Draw position parameters as large as what patches say.

    timm draws them 30 times smaller, for schedules of hundreds of epochs; in a few, a small
    transformer would not find out where its patches are.
    """
    for name, parameter in network.named_parameters():
        if "pos_embed" in name or "relative_position_bias" in name or name == "patch_embed.proj.bias":
            nn.init.normal_(parameter, std=POSITION_STD)


def _epoch(network, inputs: Inputs, mean, std, optimizer, schedule, device, scale: float) -> float:
    network.train()
    losses = []
    for batch in torch.randperm(len(inputs.labels)).split(BATCH_SIZE):
        pictures = _augment(_tensor(inputs.pictures[batch.numpy()], mean, std, device))
        if scale < 1:
            pictures = F.interpolate(pictures, scale_factor=scale, mode="area")
        labels = torch.from_numpy(inputs.labels[batch.numpy()]).to(device)
        loss = F.cross_entropy(network(pictures), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def _augment(pictures: Tensor) -> Tensor:
    """Turn, zoom and shift each picture a little, and change its exposure; N×1×H×W.

    Pictures are not mirrored: the heart is on one side.
    """
    count = len(pictures)
    angle, zoom = 0.1 * torch.randn(count), 1 + 0.06 * torch.randn(count)
    cosine, sine = zoom * angle.cos(), zoom * angle.sin()
    shift = 0.06 * torch.randn(2, count)
    rows = torch.stack((cosine, -sine, shift[0], sine, cosine, shift[1]), 1).view(count, 2, 3)
    grid = F.affine_grid(rows.to(pictures.device), list(pictures.shape), align_corners=False)
    moved = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    gain = (1 + 0.15 * torch.randn(count, 1, 1, 1)).to(pictures.device)
    return moved * gain + 0.15 * torch.randn(count, 1, 1, 1).to(pictures.device)


@torch.no_grad()
def _logits(network, inputs: Inputs, mean, std, device) -> Tensor:
    network.eval()
    batches = np.array_split(inputs.pictures, -(-len(inputs.labels) // (2 * BATCH_SIZE)))
    return torch.cat([network(_tensor(b, mean, std, device)).float().cpu() for b in batches])


def _tensor(pictures: np.ndarray, mean: float, std: float, device: torch.device) -> Tensor:
    tensor = torch.from_numpy(pictures).to(device).unsqueeze(1).float() / 255
    return ((tensor - mean) / std).contiguous(memory_format=torch.channels_last)


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature that makes softmax(logits / temperature) most likely.

    Temperature scaling (Guo et al., On Calibration of Modern Neural Networks, ICML 2017).
    `logits` N×classes, `labels` N. Kept within 0.25–10: pictures that are all answered rightly
    would drive it to zero, and with it every doubt.
    """
    candidates = torch.logspace(np.log10(0.25), 1, 200)
    losses = [F.cross_entropy(logits.float() / t, labels).item() for t in candidates]
    return float(candidates[int(np.argmin(losses))])
