"""Whether a network answers by what is no disease: the border, letters in a corner, the hospital. Torch; no Django.

Of films that it should know nothing about once their lungs are hidden it must know nothing: what it still gets right,
it gets by a shortcut (DeGrave et al., AI for radiographic COVID-19 detection selects shortcuts over signal, 2021).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from inference.nn import backbones
from inference.nn.engine import Ensemble, ModelSpec
from inference.nn.lungs import lung_box
from inference.training.data import Sample

RING = 0.12  # of either edge, on each side
ABOVE_CHANCE = 0.15  # of the balanced accuracy, with the lungs hidden
MOVED_BY_A_MARK = 0.1  # share of the films
AT_ONCE = 32
PROBE_STEPS, PROBE_DECAY = 40, 1e-2

Film = tuple[Sample, np.ndarray]


@dataclass(frozen=True)
class Finding:
    """What one trial says. `value` is a share, `allowed` the most of it, and `says` it in a sentence."""

    trial: str
    value: float
    allowed: float
    says: str

    @property
    def is_exposed(self) -> bool:
        return self.value > self.allowed

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "is_exposed": self.is_exposed}


def audit(spec: ModelSpec, device: str, labels: Sequence[str], films: Sequence[Film]) -> list[Finding]:
    """Put one model to every trial on labelled films (uint8 H×W): those that it has not learned from."""
    ensemble = Ensemble([spec], device)
    truths = np.array([sample.label for sample, _ in films])
    pictures = [picture for _, picture in films]
    plain = _asked(ensemble, pictures, labels)
    chance = 1 / len(np.unique(truths))
    found = []
    for trial, hidden, what in (
        ("border ring", ring, "With nothing but the border to see"),
        ("without lungs", without_lungs, "With the lungs blacked out"),
    ):
        value = _balanced(_asked(ensemble, [hidden(picture) for picture in pictures], labels), truths)
        says = f"{what}, {value:.0%} of its answers are right, every class counted alike; guessing gets {chance:.0%}."
        found.append(Finding(trial, value, chance + ABOVE_CHANCE, says))
    moved = np.mean([_asked(ensemble, [marked(p, corner) for p in pictures], labels) != plain for corner in range(4)])
    says = f"A letter pasted into a corner changes {moved:.0%} of its answers."
    found.append(Finding("corner mark", float(moved), MOVED_BY_A_MARK, says))
    return [*found, *source_in(spec, films)]


def ring(picture: np.ndarray) -> np.ndarray:
    """The border alone; the rest is the picture's mean."""
    height, width = picture.shape
    down, across = max(1, int(RING * height)), max(1, int(RING * width))
    seen = picture.copy()
    seen[down:-down, across:-across] = int(picture.mean())
    return seen


def without_lungs(picture: np.ndarray) -> np.ndarray:
    """The box in which the lungs lie, black."""
    top, bottom, left, right = lung_box(picture)
    seen = picture.copy()
    seen[top:bottom, left:right] = 0
    return seen


def marked(picture: np.ndarray, corner: int) -> np.ndarray:
    """A white letter on black, as a technician leaves it; `corner` 0–3."""
    height, width = picture.shape
    edge = max(6, min(height, width) // 8)
    mark = np.zeros((edge, edge), np.uint8)
    cv2.putText(mark, "R", (edge // 6, edge * 5 // 6), cv2.FONT_HERSHEY_SIMPLEX, edge / 30, 255, max(1, edge // 12))
    top, left = (0, height - edge)[corner // 2], (0, width - edge)[corner % 2]
    seen = picture.copy()
    seen[top : top + edge, left : left + edge] = mark
    return seen


def _asked(ensemble: Ensemble, pictures: Sequence[np.ndarray], labels: Sequence[str]) -> np.ndarray:
    """The answers, as indices into the labels; -1 where the model answers by another."""
    place = {label: n for n, label in enumerate(labels)}
    rows = (
        row
        for start in range(0, len(pictures), AT_ONCE)
        for row in ensemble.predict(pictures[start : start + AT_ONCE], heatmaps=False)
    )
    return np.array([place.get(row[0].diagnosis, -1) for row in rows])


def _balanced(answers: np.ndarray, truths: np.ndarray) -> float:
    return float(np.mean([(answers[truths == n] == n).mean() for n in np.unique(truths)]))


def source_in(spec: ModelSpec, films: Sequence[Film]) -> list[Finding]:
    """How well a linear probe tells the source of a film from what the network makes of it, before its head; patients
    of one half are told by those of the other. Nothing where there is one source."""
    sources = sorted({sample.source for sample, _ in films})
    if len(sources) < 2:
        return []
    said = embeddings(spec, [picture for _, picture in films])
    targets = torch.tensor([sources.index(sample.source) for sample, _ in films])
    patients = sorted({sample.patient or sample.name for sample, _ in films})
    order = np.random.default_rng(0).permutation(len(patients))
    of_first = {patients[n] for n in order[::2]}
    is_first = torch.tensor([(sample.patient or sample.name) in of_first for sample, _ in films])
    told = torch.zeros(len(targets), dtype=torch.long)
    for train in (is_first, ~is_first):
        told[~train] = _probe(said[train], targets[train], said[~train], len(sources))
    value = _balanced(told.numpy(), targets.numpy())
    chance = 1 / len(sources)
    says = (
        f"From what it makes of a film, the source ({', '.join(sources)}) is told for {value:.0%}, every source "
        f"counted alike; guessing gets {chance:.0%}. A network that carries the source can answer by it."
    )
    return [Finding("source in the embedding", value, (1 + chance) / 2, says)]


@torch.no_grad()
def embeddings(spec: ModelSpec, pictures: Sequence[np.ndarray]) -> torch.Tensor:
    """What the network makes of pictures before its head, float32 N×channels."""
    network = backbones.load(
        spec.architecture, spec.options, len(spec.labels), len(spec.mean), spec.weights, spec.sha256
    )
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (spec.mean, spec.std))
    said = []
    for start in range(0, len(pictures), AT_ONCE):
        seen = [spec.preprocessing.model_input(p, spec.input_size) for p in pictures[start : start + AT_ONCE]]
        inputs = (torch.from_numpy(np.stack(seen)).unsqueeze(1).float() / 255 - mean) / std
        out = network.forward_head(network.forward_features(inputs), pre_logits=True)
        said.append(torch.cat([o.flatten(1) for o in out], 1) if isinstance(out, list | tuple) else out.flatten(1))
    return torch.cat(said).float()


def _probe(seen: torch.Tensor, targets: torch.Tensor, asked: torch.Tensor, classes: int) -> torch.Tensor:
    """A ridge-penalised softmax regression, every class counted alike."""
    mean, scale = seen.mean(0), seen.std(0) + 1e-6
    seen, asked = (seen - mean) / scale, (asked - mean) / scale
    head = torch.nn.Linear(seen.shape[1], classes)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    counts = torch.bincount(targets, minlength=classes).float().clamp_min(1)
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=PROBE_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(head(seen), targets, weight=1 / counts) + PROBE_DECAY * head.weight.square().sum()
        value.backward()
        return value

    with torch.enable_grad():
        optimizer.step(loss)
    return head(asked).argmax(1)
