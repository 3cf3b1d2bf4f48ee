"""Train one network and calibrate it, from where it was stopped if it was. Torch; no Django."""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from inference.nn import backbones, calibration
from inference.nn.backbones import WeightsError
from inference.training.augmenting import varied
from inference.training.contrast import Contrast
from inference.training.data import Inputs
from inference.training.starting import start_from

BATCH_SIZE = 16  # small: on a few thousand pictures it is the number of steps that counts
WEIGHT_DECAY = 0.05
WARM_UP = 0.15  # of all steps
LARGEST_GRADIENT = 1.0
REMEMBERED = 0.95  # of the mean of earlier weights, after each step by a contrast: single steps go astray
POSITION_STD = 0.5
VERSIONS = 4  # of each picture, that a frozen body is shown


@dataclass(frozen=True)
class Recipe:
    """How one model is built and trained.

    `initial` holds weights to begin with; `frozen` trains the head alone, on what the body says of each picture.
    """

    name: str
    architecture: str
    options: dict[str, Any] = field(default_factory=dict)
    epochs: int = 6
    learning_rate: float = 2e-3
    takes_image_size: bool = False  # transformers are built for one input size
    initial: Path | None = None
    frozen: bool = False


@dataclass(frozen=True)
class Course:
    """How a training goes beyond its recipe.

    `draw` are the shares by which pictures are drawn (one per picture; without it each comes once an epoch), and
    `per_epoch` how many are (without it, as many as there are). Of
    `patience` epochs without a lower loss on the validation pictures the training ends, and the best is kept. `last` is
    the epoch after which it ends in any case, without changing how the learning rate falls. `kept` is the file from
    which it goes on where it was stopped. `even` makes every grey equally common again in what was varied, for pictures
    that were prepared so. With a `contrast` it learns what that draws, instead of every film's label.
    """

    augment: bool = False
    even: bool = False
    contrast: Contrast | None = None
    draw: np.ndarray | None = None
    per_epoch: int | None = None
    patience: int | None = None
    last: int | None = None
    kept: Path | None = None
    progress: Callable[[float], None] | None = None  # is called with the share done


@dataclass(frozen=True)
class Fitted:
    """A trained network (on the CPU), how it was built, and what its logits are to be divided by.

    `watched` are its logits about the watched pictures after each epoch.
    """

    network: nn.Module
    options: dict[str, Any]
    mean: float
    std: float
    temperature: float
    validation_accuracy: float
    epochs: int
    watched: tuple[Tensor, ...] = ()


def fit(
    recipe: Recipe,
    inputs: Inputs,
    validation: Inputs,
    *,
    classes: int,
    seed: int,
    device: torch.device,
    report: Callable[[str], None],
    course: Course = Course(),
    watched: Inputs | None = None,
) -> Fitted:
    """Train one network on `inputs` and fit its temperature on `validation`.

    `report` gets a line after each epoch. `watched` are pictures that it is only asked about. Raises WeightsError where
    the recipe's network cannot be built for pictures of this size, or not be begun with its weights.
    """
    torch.manual_seed(seed)
    size = inputs.pictures.shape[-1]
    options = recipe.options | ({"img_size": size} if recipe.takes_image_size else {})
    network = backbones.build(recipe.architecture, options, classes, channels=1)
    scaling = _begin(network, recipe, inputs)
    network = network.to(device, memory_format=torch.channels_last)
    shown = _Shown(network, scaling, device, course.augment, course.even)
    pupil = _Pupil(recipe, network.get_classifier() if recipe.frozen else network, course, device)
    count = len(inputs.labels)
    asked = [validation] if watched is None else [validation, watched]
    if recipe.frozen:
        train, of_label = shown.features(inputs), torch.from_numpy(inputs.labels)
        questions = [shown.features(some, once=True)[0] for some in asked]
        steps = pupil.learn_from(pupil.by_labels(lambda n: (_any_of(train)[n], of_label[n])), count)
    else:
        questions = asked
        by_labels = pupil.by_labels(lambda n: shown.batch(inputs, n.numpy()))
        steps = pupil.learn_from(pupil.by_contrast(course.contrast, shown) if course.contrast else by_labels, count)
    targets = torch.from_numpy(validation.labels)
    started = time.monotonic()
    for epoch, loss in steps:
        logits = [pupil.answers(shown, some) for some in questions]
        accuracy = (logits[0].argmax(1) == targets).float().mean().item()
        pupil.seen(logits, F.cross_entropy(logits[0], targets).item())
        report(
            f"{recipe.name}: epoch {epoch}/{recipe.epochs}, loss {loss:.3f}, "
            f"validation accuracy {accuracy:.1%}, {time.monotonic() - started:.0f} s"
        )
    logits, epochs = pupil.back_to_the_best()
    return Fitted(
        network.cpu().eval(),
        options,
        *scaling,
        _temperature(logits, targets),
        (logits.argmax(1) == targets).float().mean().item(),
        epochs,
        tuple(pupil.watched),
    )


def _begin(network: nn.Module, recipe: Recipe, inputs: Inputs) -> tuple[float, float]:
    """Give the network its first weights; return the mean and deviation that its pictures are scaled by."""
    if recipe.initial:
        known = network.pretrained_cfg
        start_from(network, recipe.initial, known["classifier"])
        return float(np.mean(known["mean"])), float(np.mean(known["std"]))
    if recipe.frozen:
        raise WeightsError(f"{recipe.name}: a body that is frozen needs weights to begin with")
    _make_positions_heard(network)
    return float(inputs.pictures.mean() / 255), float(inputs.pictures.std() / 255)


def _make_positions_heard(network: nn.Module) -> None:
    """Draw position parameters as large as what patches say.

    timm draws them 30 times smaller, for schedules of hundreds of epochs; in a few, a small
    transformer would not find out where its patches are (accuracy stayed at chance).
    """
    for name, parameter in network.named_parameters():
        if "pos_embed" in name or "relative_position_bias" in name:
            nn.init.normal_(parameter, std=POSITION_STD)


def _any_of(versions: list[Tensor]) -> Tensor:
    return versions[int(torch.randint(len(versions), ()))]


class _Shown:
    """Pictures as a network takes them, and what a frozen body makes of them."""

    def __init__(
        self, network: nn.Module, scaling: tuple[float, float], device: torch.device, augment: bool, even: bool
    ) -> None:
        self.network, self.scaling, self.device, self.augment, self.even = network, scaling, device, augment, even

    def batch(self, inputs: Inputs, chosen: np.ndarray) -> tuple[Tensor, Tensor]:
        labels = torch.from_numpy(inputs.labels[chosen]).to(self.device)
        return self.tensor(inputs.pictures[chosen], self.augment), labels

    def tensor(self, pictures: np.ndarray, augment: bool = False) -> Tensor:
        mean, std = self.scaling
        tensor = torch.from_numpy(pictures).to(self.device).unsqueeze(1).float() / 255
        tensor = varied(tensor, self.even) if augment else tensor
        return ((tensor - mean) / std).contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def features(self, inputs: Inputs, once: bool = False) -> list[Tensor]:
        """What the frozen body says of each picture, in several versions: each N×channels."""
        self.network.eval()
        versions = []
        for _ in range(1 if once or not self.augment else VERSIONS):
            batches = (self.tensor(some, self.augment and not once) for some in _in_batches(inputs.pictures))
            said = [self.network.forward_head(self.network.forward_features(b), pre_logits=True) for b in batches]
            versions.append(torch.cat(said).float())
        return versions


def _in_batches(pictures: np.ndarray) -> list[np.ndarray]:
    return np.array_split(pictures, -(-len(pictures) // (4 * BATCH_SIZE)))


class _Pupil:
    """What learns: a network, or the head of a frozen one; with all that is needed to go on after a stop."""

    def __init__(self, recipe: Recipe, module: nn.Module, course: Course, device: torch.device) -> None:
        if not isinstance(module, nn.Module):
            raise WeightsError(f"{recipe.architecture} has several heads, which cannot be trained with its body frozen")
        self.recipe, self.module, self.course, self.device = recipe, module, course, device
        self.epoch = 0
        self.losses: list[float] = []  # on the validation pictures
        self.watched: list[Tensor] = []
        self.best: dict[str, Any] = {}
        self.mean: AveragedModel | None = None
        if course.contrast:
            self.mean = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(REMEMBERED), use_buffers=True)

    @property
    def asked(self) -> nn.Module:
        """What answers: the mean of the weights so far, where that is kept."""
        return self.mean.module if self.mean else self.module

    def by_labels(self, batch: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Callable[[Tensor], Tensor]:
        """The loss of chosen pictures, each for itself."""

        def loss(chosen: Tensor) -> Tensor:
            pictures, labels = batch(chosen)
            return F.cross_entropy(self.module(pictures), labels.to(pictures.device))

        return loss

    def by_contrast(self, contrast: Contrast, shown: "_Shown") -> Callable[[Tensor], Tensor]:
        """The loss of pictures beside others of their hospital."""

        def loss(chosen: Tensor) -> Tensor:
            lesson = contrast.lesson(chosen.numpy())
            return lesson.loss(self.module(shown.tensor(lesson.pictures, augment=True)).float())

        return loss

    def learn_from(self, loss: Callable[[Tensor], Tensor], count: int) -> Iterator[tuple[int, float]]:
        """Train on `count` pictures; yield after each epoch its number and the mean loss. `loss` gets chosen rows."""
        per_epoch = -(-(self.course.per_epoch or count) // BATCH_SIZE)
        self.optimizer = torch.optim.AdamW(
            self.module.parameters(), self.recipe.learning_rate, weight_decay=WEIGHT_DECAY
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            self.recipe.learning_rate,
            epochs=self.recipe.epochs,
            steps_per_epoch=per_epoch,
            pct_start=WARM_UP,
        )
        self._go_on()
        while not self._is_done():
            self.epoch += 1
            self._begin_to_learn()
            losses = []
            for place, chosen in enumerate(self._order(count)):
                losses.append(self._step(loss, chosen))
                if self.course.progress:
                    self.course.progress(
                        (self.epoch - 1 + place / per_epoch) / (self.course.last or self.recipe.epochs)
                    )
            yield self.epoch, float(np.mean(losses))
            self._keep()

    def _begin_to_learn(self) -> None:
        self.module.train()
        if self.course.contrast and self.recipe.initial:
            # A lesson's films are too few, and too much of one hospital, to normalise by.
            for part in self.module.modules():
                if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                    part.eval()

    def _is_done(self) -> bool:
        patience = self.course.patience
        is_stuck = patience is not None and len(self.losses) - 1 - int(np.argmin(self.losses or [0])) >= patience
        return is_stuck or self.epoch >= (self.course.last or self.recipe.epochs)

    def _order(self, count: int) -> Iterator[Tensor]:
        draw, drawn = self.course.draw, self.course.per_epoch or count
        order = torch.randperm(count) if draw is None else torch.multinomial(torch.from_numpy(draw), drawn, True)
        for chosen in order.split(BATCH_SIZE):
            # Batch normalisation has nothing to normalise one picture by.
            if len(chosen) > 1 or count == 1:
                yield chosen

    def _step(self, loss_of: Callable[[Tensor], Tensor], chosen: Tensor) -> float:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            loss = loss_of(chosen)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), LARGEST_GRADIENT)
        self.optimizer.step()
        self.schedule.step()
        if self.mean:
            self.mean.update_parameters(self.module)
        return loss.item()

    @torch.no_grad()
    def answers(self, shown: _Shown, asked: Inputs | Tensor) -> Tensor:
        network = self.asked.eval()
        if isinstance(asked, Tensor):
            return network(asked).float().cpu()
        return torch.cat([network(shown.tensor(some)).float().cpu() for some in _in_batches(asked.pictures)])

    def seen(self, logits: list[Tensor], loss: float) -> None:
        """Take in the answers after an epoch: about the validation pictures, and about the watched ones."""
        self.watched += logits[1:]
        self.losses.append(loss)
        if self.course.patience is None or loss <= min(self.losses):
            self.best = {"epoch": self.epoch, "logits": logits[0]}
            if self.course.patience is not None:
                self.best["state"] = copy.deepcopy(self.asked.state_dict())

    def back_to_the_best(self) -> tuple[Tensor, int]:
        """Return the best epoch's validation logits, and which it was; from now on it is the network."""
        self.module.load_state_dict(self.best.get("state") or self.asked.state_dict())
        return self.best["logits"], self.best["epoch"]

    def _keep(self) -> None:
        if not self.course.kept:
            return
        state = {
            "module": self.module.state_dict(),
            "mean": self.mean and self.mean.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": torch.get_rng_state(),
            "epoch": self.epoch,
            "losses": self.losses,
            "watched": self.watched,
            "best": self.best,
        }
        self.course.kept.parent.mkdir(parents=True, exist_ok=True)
        draft = self.course.kept.with_suffix(".part")
        torch.save(state, draft)
        draft.replace(self.course.kept)  # whole, or not at all

    def _go_on(self) -> None:
        if not self.course.kept or not self.course.kept.exists():
            return
        state = torch.load(self.course.kept, map_location="cpu", weights_only=True)
        self.module.load_state_dict(state["module"])
        if self.mean:
            self.mean.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"])
        self.epoch, self.losses, self.watched, self.best = (state[k] for k in ("epoch", "losses", "watched", "best"))


def _temperature(logits: Tensor, labels: Tensor) -> float:
    """What the logits (N×classes) are to be divided by, so that softmax means what it says."""
    scaling = calibration.fit_temperature(calibration.log_softmax(logits.double().numpy()), labels.numpy())
    return float(1 / scaling.scales[0])
