"""Pictures to train on: phantoms by seed, or a folder per class. No Django."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from imaging import phantom
from inference.nn.preprocessing import AS_TRAINED_HERE

PICTURE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".dcm"))
# Pictures arrive in many sizes and noise survives shrinking differently from each.
PHANTOM_SIZES = (160, 224, 320, 480)
VALIDATION_SHARE = HELD_OUT_SHARE = 0.15
SEEDS_PER_PART = 1_000_000  # parts draw their seeds a million apart, so they never meet


class TrainingDataError(Exception):
    """The pictures given cannot be trained on; the message says why and what to do."""


@dataclass(frozen=True)
class Sample:
    """One labelled picture, not yet loaded. `label` is an index into the data's labels."""

    label: int
    source: str
    load: Callable[[], np.ndarray]  # uint8 H×W


@dataclass(frozen=True)
class Split:
    """Samples in three parts that share no picture, and the labels they are indices into."""

    labels: tuple[str, ...]
    train: list[Sample]
    validation: list[Sample]
    held_out: list[Sample]
    origin: str  # for the model card
    is_synthetic: bool = False


@dataclass(frozen=True)
class Inputs:
    """What a model sees: `pictures` uint8 N×size×size, `labels` int64 N."""

    pictures: np.ndarray
    labels: np.ndarray


def phantoms(seed: int, train: int, validation: int, held_out: int) -> Split:
    """Return that many phantoms per part, every diagnosis equally often, each from its own seed."""
    first = seed * 3 * SEEDS_PER_PART
    parts = [
        [_phantom(first + part * SEEDS_PER_PART + n) for n in range(count)]
        for part, count in enumerate((train, validation, held_out))
    ]
    seeds = ", ".join(
        f"{name} {first + part * SEEDS_PER_PART}–{first + part * SEEDS_PER_PART + count - 1}"
        for part, (name, count) in enumerate((("training", train), ("validation", validation), ("held out", held_out)))
    )
    return Split(
        phantom.DIAGNOSES,
        parts[0],
        parts[1],
        parts[2],
        origin=f"synthetic phantoms (seeds: {seeds})",
        is_synthetic=True,
    )


def _phantom(seed: int) -> Sample:
    label = seed % len(phantom.DIAGNOSES)
    size = PHANTOM_SIZES[seed // len(phantom.DIAGNOSES) % len(PHANTOM_SIZES)]
    render = partial(phantom.render, phantom.DIAGNOSES[label], seed, size)
    return Sample(label, f"phantom {seed}", render)


def folder_per_class(folder: Path, seed: int, read: Callable[[Path], np.ndarray]) -> Split:
    """Split the pictures in `folder/CLASS/…` by file, the same shares of each class.

    `read` makes uint8 H×W of a file, or raises OSError or ValueError where it cannot; it is
    not called here. Raises TrainingDataError where there are fewer than two classes, or a class
    with too few pictures to appear in all three parts.
    """
    if not folder.is_dir():
        raise TrainingDataError(f"{folder} is not a folder; give one with a folder per class")
    classes = {f.name: _pictures_below(f) for f in sorted(folder.iterdir()) if f.is_dir()}
    classes = {name: files for name, files in classes.items() if files}
    if len(classes) < 2:
        raise TrainingDataError(
            f"{folder} holds pictures of {len(classes)} classes; "
            "put those of at least two into a folder each, named for the class"
        )
    parts: tuple[list[Sample], ...] = ([], [], [])
    for label, (name, files) in enumerate(classes.items()):
        counts = [max(1, round(len(files) * share)) for share in (VALIDATION_SHARE, HELD_OUT_SHARE)]
        if len(files) <= sum(counts):
            raise TrainingDataError(f"{name} has only {len(files)} pictures; at least 3 are needed")
        order = np.random.default_rng([seed, label]).permutation(len(files))
        samples = [Sample(label, str(files[i]), partial(read, files[i])) for i in order]
        cuts = np.cumsum(counts)
        for part, some in zip(parts, (samples[cuts[1] :], samples[: cuts[0]], samples[cuts[0] : cuts[1]]), strict=True):
            part.extend(some)
    return Split(tuple(classes), parts[0], parts[1], parts[2], origin=f"pictures in the folder {folder.name}")


def _pictures_below(folder: Path) -> list[Path]:
    # The COVID-19 Radiography Database keeps lung masks in folders beside its images.
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in PICTURE_SUFFIXES and path.parent.name.lower() != "masks"
    )


def load_readable(
    samples: Sequence[Sample], skipped: Callable[[str, Exception], None]
) -> Iterator[tuple[Sample, np.ndarray]]:
    """Yield the samples with their pictures, loaded on threads; name unreadable ones to `skipped`."""

    def attempt(sample: Sample) -> tuple[Sample, np.ndarray | None, Exception | None]:
        try:
            return sample, sample.load(), None
        except (OSError, ValueError) as error:
            return sample, None, error

    with ThreadPoolExecutor() as threads:
        for sample, picture, error in threads.map(attempt, samples):
            if picture is not None:
                yield sample, picture
            elif error is not None:
                skipped(sample.source, error)


def prepare(samples: Sequence[Sample], size: int, skipped: Callable[[str, Exception], None]) -> Inputs:
    """Return the samples as a model sees them, unreadable ones left out."""
    prepared = [
        Sample(s.label, s.source, partial(lambda s: AS_TRAINED_HERE.model_input(s.load(), size), s)) for s in samples
    ]
    pictures, labels = [], []
    for sample, picture in load_readable(prepared, skipped):
        pictures.append(picture)
        labels.append(sample.label)
    if not pictures:
        raise TrainingDataError("none of the pictures could be read")
    return Inputs(np.stack(pictures), np.array(labels, np.int64))
