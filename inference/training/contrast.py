"""What is learned where films are told apart within one hospital alone. Torch; no Django.

A loss that sees films of two hospitals side by side pays for telling the hospitals apart. Here a film is only ever set
beside films of its own hospital, and beside itself with an opacity planted in it: what all of these share says nothing.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from inference.training.data import Inputs, TrainingDataError
from inference.training.planting import planted

NORMALS = 8  # of one hospital, in each step; beside them as many others of it with an opacity, and as many of its sick
WORSENED = 4  # sick films that are shown as they are, and with more
# What weighs how much beside the normal films with an opacity.
SICK, WORSE, KINDS = 0.5, 0.5, 0.3


@dataclass(frozen=True)
class Contrast:
    """Which of `inputs` are normal (by label) and of which hospital each is: one name for sources that are one."""

    inputs: Inputs
    normal: int
    hospitals: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self._hospitals_with_normals():
            raise TrainingDataError("no film to learn from is normal: what is planted has nothing to be told from")

    def _hospitals_with_normals(self) -> list[str]:
        return sorted(
            {name for name, label in zip(self.hospitals, self.inputs.labels, strict=True) if label == self.normal}
        )

    def lesson(self, chosen: np.ndarray) -> "Lesson":
        """Draw what one step learns from. `chosen` are rows of `inputs`; the sick among them are what kinds, and what
        grows worse, are learned from. As random as torch's own numbers, so that a stopped training goes on alike."""
        rng = np.random.default_rng(int(torch.randint(2**31, ())))
        pictures, labels = self.inputs.pictures, self.inputs.labels
        here = np.array(self.hospitals) == rng.choice(self._hospitals_with_normals())
        normals, sick_here = (
            np.flatnonzero(here & (labels == self.normal)),
            np.flatnonzero(here & (labels != self.normal)),
        )
        sick = chosen[labels[chosen] != self.normal]
        own = rng.choice(sick_here, NORMALS) if len(sick_here) else sick_here
        parts = [
            pictures[rng.choice(normals, NORMALS)],
            _planted(pictures[rng.choice(normals, NORMALS)], rng),
            pictures[own],
            pictures[sick],
            _planted(pictures[sick[:WORSENED]], rng),
        ]
        return Lesson(np.concatenate(parts), tuple(map(len, parts)), labels[sick], self.normal)


def _planted(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.array([planted(picture, rng) for picture in pictures], np.uint8).reshape(-1, *pictures.shape[1:])


@dataclass(frozen=True)
class Lesson:
    """`pictures` uint8 N×S×S, in parts of these `lengths`: normal films, others with an opacity, the same hospital's
    sick, sick of any (`kinds` are their labels), and the first of these made worse."""

    pictures: np.ndarray
    lengths: tuple[int, ...]
    kinds: np.ndarray
    normal: int

    def loss(self, logits: Tensor) -> Tensor:
        """Of logits N×classes about the pictures."""
        well, ill, own, _, worse = abnormality(logits, self.normal).split(self.lengths)
        as_they_are, sick = (parts.split(self.lengths)[3] for parts in (abnormality(logits, self.normal), logits))
        loss = above(ill, well) + (F.softplus(well).mean() + F.softplus(-ill).mean()) / 2
        if len(own):
            loss = loss + SICK * above(own, well)
        if len(worse):
            loss = loss + WORSE * F.softplus(as_they_are[: len(worse)] - worse).mean()
        if len(sick):
            loss = loss + KINDS * self._kinds(sick)
        return loss

    def _kinds(self, sick: Tensor) -> Tensor:
        """Which kind of sick, given that it is sick: no word on whether it is."""
        without = sick.clone()
        without[:, self.normal] = -torch.inf
        return F.cross_entropy(without, torch.from_numpy(self.kinds).to(sick.device))


def abnormality(logits: Tensor, normal: int) -> Tensor:
    """The logarithm of the odds that a film is not normal."""
    others = [n for n in range(logits.shape[1]) if n != normal]
    return logits[:, others].logsumexp(1) - logits[:, normal]


def above(higher: Tensor, lower: Tensor) -> Tensor:
    """The logistic loss of every pair: that each of the `higher` is above each of the `lower`, which AUC counts."""
    return F.softplus(lower[None] - higher[:, None]).mean()
