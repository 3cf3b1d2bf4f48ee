"""Pictures to train on, and how they are loaded: phantoms by seed, or what films.py finds. No Django."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from imaging import phantom
from inference.nn.preprocessing import AS_TRAINED_HERE, Preprocessing

# Pictures arrive in many sizes and noise survives shrinking differently from each.
PHANTOM_SIZES = (160, 224, 320, 480)
SEEDS_PER_PART = 1_000_000  # parts draw their seeds a million apart, so they never meet


class TrainingDataError(Exception):
    """The pictures given cannot be trained on; the message says why and what to do."""


@dataclass(frozen=True)
class Sample:
    """One labelled picture, not yet loaded. `label` is an index into the data's labels.

    `patient` is whoever else's pictures may not be told from this one's: all of one are in one part. `source` is the
    hospital or collection that it comes from; `view` and `age` (years) are as they were given. Empty where unknown.
    """

    label: int
    name: str  # for messages
    load: Callable[[], np.ndarray]  # uint8 H×W
    patient: str = ""
    source: str = ""
    view: str = ""
    age: float | None = None


@dataclass(frozen=True)
class Split:
    """Samples in three parts that share no picture, and the labels they are indices into."""

    labels: tuple[str, ...]
    train: list[Sample]
    validation: list[Sample]
    held_out: list[Sample]
    origin: str  # for the model card


@dataclass(frozen=True)
class Inputs:
    """What a model sees: `pictures` uint8 N×size×size, `labels` int64 N; and whose they are, in that order."""

    pictures: np.ndarray
    labels: np.ndarray
    samples: tuple[Sample, ...] = ()


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
    )


def _phantom(seed: int) -> Sample:
    label = seed % len(phantom.DIAGNOSES)
    size = PHANTOM_SIZES[seed // len(phantom.DIAGNOSES) % len(PHANTOM_SIZES)]
    render = partial(phantom.render, phantom.DIAGNOSES[label], seed, size)
    return Sample(label, f"phantom {seed}", render)


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
                skipped(sample.name, error)


def _as_seen(load: Callable[[], np.ndarray], size: int, preprocessing: Preprocessing) -> np.ndarray:
    return preprocessing.model_input(load(), size)


def prepare(
    samples: Sequence[Sample],
    size: int,
    skipped: Callable[[str, Exception], None],
    preprocessing: Preprocessing = AS_TRAINED_HERE,
) -> Inputs:
    """Return the samples as a model sees them, unreadable ones left out."""
    prepared = [replace(s, load=partial(_as_seen, s.load, size, preprocessing)) for s in samples]
    read = list(load_readable(prepared, skipped))
    if not read:
        raise TrainingDataError("none of the pictures could be read")
    labels = np.array([sample.label for sample, _ in read], np.int64)
    return Inputs(np.stack([picture for _, picture in read]), labels, tuple(sample for sample, _ in read))
