"""Train networks on real films, and measure them at hospitals that they have not seen. No Django."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inference.nn import consensus
from inference.nn.cards import mean_outside
from inference.nn.engine import Ensemble, choose_device
from inference.nn.model_files import spec_for, write_ensemble
from inference.nn.preprocessing import Fit, Preprocessing
from inference.training import films as real
from inference.training import measures
from inference.training.contrast import Contrast
from inference.training.data import Inputs, Sample, TrainingDataError, prepare
from inference.training.ensemble import Report, Skipped, ask_about, entry_of
from inference.training.films import Films
from inference.training.fitting import Course, Fitted, Recipe, fit

UNFINISHED = ".unfinished"  # the folder of trainings that were stopped


@dataclass(frozen=True)
class FilmsRun:
    """What to train, on which films, and how.

    Films of `leave_out` are not learned from, but measured on. For each of `groups` of sources a network is trained
    that has not seen it: what these say of the groups are the figures outside, and the epoch that is best on their mean
    is where the last network, which learns from all, is stopped. Without groups it is stopped where the loss on the
    validation films has not fallen for `patience` epochs. With `plant`, normal films are told from sick ones, and from
    others with a planted opacity, within each hospital alone (contrast.py); `together` are sources that are one.
    """

    films: Films
    recipes: Sequence[Recipe]
    size: int
    seed: int
    command: str
    preprocessing: Preprocessing
    leave_out: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    per_epoch: int | None = None
    patience: int = 5
    plant: bool = False
    together: tuple[tuple[str, ...], ...] = ()
    device: str = "auto"


def train_on_films(
    run: FilmsRun, out: Path, report: Report, progress: Callable[[str, float], None] | None = None
) -> dict[str, Any]:
    """Train every recipe; write weights, cards and `ensemble.json` into `out`, and return what the last holds.

    `report` gets a line for each step, `progress` what is being trained and the share done. A run that was stopped goes
    on, if it is begun again as it was, and gives the same weights. Raises TrainingDataError and WeightsError.
    """
    device = choose_device(run.device)
    learned = [s for s in run.films.samples if s.source not in run.leave_out]
    if not learned:
        raise TrainingDataError("every source is left out; leave one in to learn from")
    skipped = Skipped(report)
    report(f"preparing {len(run.films.samples)} pictures")
    school = _School(
        run, device, out, report, progress, prepare(run.films.samples, run.size, skipped, run.preprocessing)
    )
    entries = [school.train(recipe, learned) for recipe in run.recipes]
    report("asking about the films that were held out")
    joint = _measure(entries, run, out, skipped, learned)
    if skipped.count:
        report(f"{skipped.count} pictures could not be read and were skipped")
    write_ensemble(out, entries, joint)
    school.tidy_up()
    return {"models": entries, "consensus": joint}


@dataclass
class _School:
    run: FilmsRun
    device: torch.device
    out: Path
    report: Report
    progress: Callable[[str, float], None] | None
    prepared: Inputs

    def __post_init__(self) -> None:
        self.rows = {sample.name: row for row, sample in enumerate(self.prepared.samples)}

    def train(self, recipe: Recipe, learned: Sequence[Sample]) -> dict[str, Any]:
        """Return the recipe's entry in `ensemble.json`, with the figures of leaving one source out alone."""
        last, outside = self._leave_one_out(recipe, learned) if self.run.groups else (None, None)
        own = real.parts(self.run.films, self.run.seed, learned)
        fitted = self._fit(recipe, "all", own.train, own.validation, last=last)
        entry = entry_of(
            recipe, fitted, self.run.films.labels, self.run.size, self._made(own), self.out, self.run.preprocessing
        )
        entry["metrics"] = {"outside": outside}
        return entry

    def _made(self, own: real.Parts) -> dict[str, Any]:
        labels = self.run.films.labels
        counts = Counter(f"{labels[s.label]} ({s.source})" if s.source else labels[s.label] for s in own.train)
        return {
            "command": self.run.command,
            "origin": self.run.films.origin,
            "films": self.run.films.fingerprint,
            "seed": self.run.seed,
            "pictures": len(own.train),
            "validation_pictures": len(own.validation),
            "sources": sorted({sample.source for sample in own.train}),
            "counts": dict(sorted(counts.items())),
            "planted": self.run.plant,
            "told_by_source": real.told_by_source(self.run.films),
        }

    def _leave_one_out(self, recipe: Recipe, learned: Sequence[Sample]) -> tuple[int, dict[str, Any]]:
        """Return the epoch that is best on the mean of the groups, and the figures of each group there."""
        folds: dict[str, tuple[list[Sample], Fitted]] = {}
        for group in self.run.groups:
            others = [sample for sample in learned if sample.source not in group]
            away = [sample for sample in learned if sample.source in group and sample.name in self.rows]
            if len({sample.label for sample in others}) < 2 or not away:
                raise TrainingDataError(f"without {', '.join(group)} there is nothing to learn from")
            own = real.parts(self.run.films, self.run.seed, others)
            name = "+".join(group)
            train = [*own.train, *own.held_out]  # of this fold, the group is what is held out
            folds[name] = away, self._fit(recipe, f"without {name}", train, own.validation, away)
        epochs = range(len(next(iter(folds.values()))[1].watched))
        means = [self._mean([(away, fitted.watched[n]) for away, fitted in folds.values()]) for n in epochs]
        best = int(np.argmax(means))
        self.report(f"{recipe.name}: on sources left out best after epoch {best + 1} ({means[best]:.3f} on the mean)")
        return best + 1, {name: self._figures(away, fitted, best) for name, (away, fitted) in folds.items()}

    def _mean(self, asked: Iterable[tuple[list[Sample], Tensor]]) -> float:
        """What is chosen by: the mean AUC of normal against abnormal, or, where nothing is called normal, the mean of
        the balanced accuracies."""
        normal = self.run.films.normal()
        found = [
            measures.figures(
                self.run.films.labels, np.array([s.label for s in away]), logits.softmax(1).numpy(), normal
            )
            for away, logits in asked
        ]
        by_name = {str(n): figures for n, figures in enumerate(found)}
        mean = mean_outside(by_name)
        return mean if mean is not None else float(np.mean([f["balanced"] for f in found]))

    def _figures(self, away: list[Sample], fitted: Fitted, epoch: int) -> dict[str, Any]:
        probabilities = (fitted.watched[epoch] / fitted.temperature).softmax(1).numpy()
        return measures.with_intervals(self.run.films.labels, away, probabilities, self.run.films.normal())

    def _fit(
        self,
        recipe: Recipe,
        what: str,
        train: Sequence[Sample],
        validation: Sequence[Sample],
        watched: Sequence[Sample] | None = None,
        last: int | None = None,
    ) -> Fitted:
        inputs = self._inputs(train)
        progress = self.progress
        course = Course(
            augment=True,
            even=self.run.preprocessing.fit is Fit.EVEN_LUNGS,
            contrast=self._contrast(inputs) if self.run.plant else None,
            draw=real.balance(inputs.samples),
            per_epoch=self.run.per_epoch,
            patience=None if self.run.groups else self.run.patience,
            last=last,
            kept=self._unfinished(recipe, what),
            progress=(lambda share: progress(f"{recipe.name}, {what}", share)) if progress else None,
        )
        self.report(f"{recipe.name}, {what}: {len(inputs.labels)} films to learn from")
        return fit(
            recipe,
            inputs,
            self._inputs(validation),
            classes=len(self.run.films.labels),
            seed=self.run.seed,
            device=self.device,
            report=self.report,
            course=course,
            watched=None if watched is None else self._inputs(watched),
        )

    def _contrast(self, inputs: Inputs) -> Contrast:
        normal = self.run.films.normal()
        if normal is None:
            raise TrainingDataError(
                f"opacities are planted in normal films, but the labels are {', '.join(self.run.films.labels)}; "
                "call one of them Normal"
            )
        one = {source: "+".join(group) for group in self.run.together for source in group}
        return Contrast(inputs, normal, tuple(one.get(s.source, s.source) for s in inputs.samples))

    def _inputs(self, samples: Sequence[Sample]) -> Inputs:
        rows = [self.rows[sample.name] for sample in samples if sample.name in self.rows]
        if not rows:
            raise TrainingDataError("a part has no film that could be read; there are too few")
        some = tuple(self.prepared.samples[row] for row in rows)
        return Inputs(self.prepared.pictures[rows], self.prepared.labels[rows], some)

    def _unfinished(self, recipe: Recipe, what: str) -> Path:
        """The file of what was stopped; one of another run has another name."""
        run = replace(self.run, films=None, recipes=(), command="", device="")  # type: ignore[arg-type]
        told = repr((self.run.films.fingerprint, recipe, run, what))
        return self.out / UNFINISHED / f"{hashlib.sha256(told.encode()).hexdigest()[:16]}.pt"

    def tidy_up(self) -> None:
        folder = self.out / UNFINISHED
        for file in folder.glob("*"):
            file.unlink()
        if folder.is_dir():
            folder.rmdir()


def _measure(
    entries: list[dict[str, Any]], run: FilmsRun, out: Path, skipped: Skipped, learned: Sequence[Sample]
) -> dict[str, Any]:
    """Ask the written files about the films that were held out, and about those of sources that were left out; fill in
    each entry's metrics, and return the consensus's."""
    ensemble = Ensemble([spec_for(entry, out) for entry in entries], run.device)
    held_out = real.parts(run.films, run.seed, learned).held_out
    within = asked(ensemble, held_out, run.films.labels, run.films.normal(), skipped)
    left = run.films.of(run.leave_out) if run.leave_out else []
    outside = {
        source: asked(ensemble, [s for s in left if s.source == source], run.films.labels, run.films.normal(), skipped)
        for source in sorted({sample.source for sample in left})
    }
    for n, entry in enumerate(entries):
        of_groups = entry["metrics"]["outside"]
        entry["metrics"] = within[n] | {
            "outside": of_groups or {name: found[n] for name, found in outside.items()} or None
        }
    joint_outside = {name: found[-1] for name, found in outside.items()} or None
    return {"models": len(entries), **within[-1], "outside": joint_outside}


def asked(
    ensemble: Ensemble,
    samples: Sequence[Sample],
    labels: Sequence[str],
    normal: int | None,
    skipped: Callable[[str, Exception], None],
) -> list[dict[str, Any]]:
    """The figures of every model's answers, and last of the consensus's."""
    read, table = answers(ensemble, samples, labels, skipped)
    return [measures.with_intervals(labels, read, probabilities, normal) for probabilities in table]


def answers(
    ensemble: Ensemble, samples: Sequence[Sample], labels: Collection[str], skipped: Callable[[str, Exception], None]
) -> tuple[list[Sample], np.ndarray]:
    """Return the readable samples, and probabilities models+1 × N × classes: the consensus's come last.

    A label that a model does not know has 0 there.
    """
    read, rows = ask_about(ensemble, samples, skipped)
    votes = [[answer.probabilities for answer in row] for row in rows]
    for row, given in zip(rows, votes, strict=True):
        given.append(consensus.decide([consensus.Vote(a.model, a.probabilities) for a in row]).probabilities)
    table = np.array([[[given.get(label, 0.0) for label in labels] for given in row] for row in votes])
    return read, table.transpose(1, 0, 2)
