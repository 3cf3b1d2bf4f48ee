"""Real films to train and measure on: a folder per class, or a manifest with patients and sources. No Django.

A network that is asked about films of the hospitals it learned from may answer by the hospital. So whatever is
measured knows of each film where it comes from, and whole sources can be left out.
"""

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from inference.training.data import Sample, TrainingDataError

PICTURE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".dcm"))
VALIDATION_SHARE = HELD_OUT_SHARE = 0.15
FEWEST = 3  # pictures of a class, so that there can be one in each part
# What a manifest's `split` may say; films of the others are learned from.
HELD_OUT_SPLITS = frozenset(("val", "validation", "valid", "test", "held-out"))
NORMAL = "normal"

Read = Callable[[Path], np.ndarray]


@dataclass(frozen=True)
class Films:
    """Labelled films. `held_out` are those that their manifest keeps back; the labels are in alphabetical order."""

    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    origin: str  # for the model card
    held_out: frozenset[str] = frozenset()  # names

    @property
    def fingerprint(self) -> str:
        """The same for the same films with the same labels, patients, sources and parts."""
        told = [(s.name, s.label, s.patient, s.source, s.name in self.held_out) for s in self.samples]
        return hashlib.sha256(repr((self.labels, sorted(told))).encode()).hexdigest()

    @property
    def sources(self) -> list[str]:
        return sorted({sample.source for sample in self.samples})

    def of(self, sources: Collection[str]) -> list[Sample]:
        return [sample for sample in self.samples if sample.source in sources]

    def normal(self) -> int | None:
        """The label of those without a finding; None where there is none of that name."""
        found = [n for n, label in enumerate(self.labels) if label.casefold() == NORMAL]
        return found[0] if found else None


@dataclass(frozen=True)
class Parts:
    """Three parts that share no patient."""

    train: list[Sample]
    validation: list[Sample]
    held_out: list[Sample]


def find(path: Path, read: Read, fewest: int = FEWEST) -> Films:
    """The films of a manifest (a CSV file, or a folder that holds a manifest.csv) or of a folder per class.

    `read` makes uint8 H×W of a file, or raises OSError or ValueError where it cannot; it is not called here. `fewest`
    is how many of each class there must be. Raises TrainingDataError with what is wrong and what to do.
    """
    if path.is_file():
        return from_manifest(path, read, fewest)
    if (path / "manifest.csv").is_file():
        return from_manifest(path / "manifest.csv", read, fewest)
    return from_folders(path, read, fewest)


def from_folders(folder: Path, read: Read, fewest: int = FEWEST) -> Films:
    """The pictures in `folder/CLASS/…`; each is a patient's own, as far as folders can say."""
    if not folder.is_dir():
        raise TrainingDataError(f"{folder} is not a folder; give one with a folder per class, or a manifest")
    classes = {f.name: _pictures_below(f) for f in sorted(folder.iterdir()) if f.is_dir()}
    classes = {name: files for name, files in classes.items() if files}
    samples = [
        Sample(label, str(file), partial(read, file), patient=str(file))
        for label, files in enumerate(classes.values())
        for file in files
    ]
    return _checked(Films(tuple(classes), tuple(samples), f"pictures in the folder {folder.name}"), folder, fewest)


def _pictures_below(folder: Path) -> list[Path]:
    # The COVID-19 Radiography Database keeps lung masks in folders beside its images.
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in PICTURE_SUFFIXES and path.parent.name.lower() != "masks"
    )


def from_manifest(path: Path, read: Read, fewest: int = FEWEST) -> Films:
    """The films that a CSV names: `file` (beside it) and `label`, and where known `patient`, `source`, `view`, `age`
    and `split`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [_tidied(row) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingDataError(f"cannot read the manifest {path}: {error}") from error
    if missing := {"file", "label"} - (rows[0].keys() if rows else set()):
        names = ", ".join(sorted(missing))
        raise TrainingDataError(f"{path} has no column {names}; its first line must name file and label")
    for line, row in enumerate(rows, 2):
        if not row["file"] or not row["label"]:
            raise TrainingDataError(f"{path}, line {line}: file and label must not be empty")
    labels = sorted({row["label"] for row in rows})
    samples = tuple(_from_row(row, labels, path.parent, read) for row in rows)
    held_out = frozenset(row["file"] for row in rows if row.get("split", "").lower() in HELD_OUT_SPLITS)
    return _checked(Films(tuple(labels), samples, f"films of the manifest {path.name}", held_out), path, fewest)


def _tidied(row: dict[str, str | None]) -> dict[str, str]:
    return {name.strip().lower(): (value or "").strip() for name, value in row.items() if name}


def _from_row(row: dict[str, str], labels: Sequence[str], folder: Path, read: Read) -> Sample:
    return Sample(
        labels.index(row["label"]),
        row["file"],
        partial(read, folder / row["file"]),
        patient=row.get("patient") or row["file"],
        source=row.get("source", ""),
        view=row.get("view", ""),
        age=_years(row.get("age", "")),
    )


def _years(text: str) -> float | None:
    """45, 45.5 or DICOM's 045Y, 018M; None for what is no age."""
    per_year = {"Y": 1.0, "M": 12.0, "W": 52.18, "D": 365.25}.get(text[-1:].upper())
    try:
        years = float(text[:-1]) / per_year if per_year else float(text)
    except ValueError:
        return None
    return years if 0 <= years < 130 else None


def _checked(films: Films, path: Path, fewest: int) -> Films:
    if len(films.labels) < 2:
        raise TrainingDataError(
            f"{path} holds pictures of {len(films.labels)} classes; "
            "put those of at least two into a folder each, named for the class, or name them in a manifest"
        )
    counts = Counter(sample.label for sample in films.samples)
    for label, name in enumerate(films.labels):
        if counts[label] < fewest:
            raise TrainingDataError(f"{name} has only {counts[label]} pictures; at least {fewest} are needed")
    names = Counter(sample.name for sample in films.samples)
    if twice := [name for name, count in names.items() if count > 1]:
        raise TrainingDataError(f"{path} names {twice[0]} more than once; name each film once")
    if shared := _patients(films, films.held_out) & _patients(films, names.keys() - films.held_out):
        raise TrainingDataError(
            f"{path}: films of patient {min(shared)} are both in a held-out split and in another; move them to one"
        )
    return films


def _patients(films: Films, names: Collection[str]) -> set[str]:
    return {sample.patient for sample in films.samples if sample.name in names}


def parts(films: Films, seed: int, samples: Sequence[Sample] | None = None) -> Parts:
    """Divide films (all, or `samples` of them) by patient, about the same shares of each class and source.

    What the manifest holds back is held out; where it says nothing, a share is drawn.
    """
    given = films.samples if samples is None else samples
    held_out = [sample for sample in given if sample.name in films.held_out]
    rest = [sample for sample in given if sample.name not in films.held_out]
    if not films.held_out:
        held_out, rest = _drawn(rest, HELD_OUT_SHARE, seed)
    validation, train = _drawn(rest, VALIDATION_SHARE, seed + 1)
    return Parts(train, validation, held_out)


def _drawn(samples: Sequence[Sample], share: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Whole patients, until of each class and source there is the share; and the others."""
    patients: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        patients[sample.patient].append(sample)
    strata: dict[tuple[str, int], list[str]] = defaultdict(list)
    for patient, own in patients.items():
        strata[own[0].source, own[0].label].append(patient)
    chosen: set[str] = set()
    for place, (_, some) in enumerate(sorted(strata.items())):
        wanted = max(1, round(share * sum(len(patients[patient]) for patient in some)))
        for n in np.random.default_rng([seed, place]).permutation(len(some)):
            if wanted <= 0 or len(some) == 1:
                break
            chosen.add(some[n])
            wanted -= len(patients[some[n]])
    first = [sample for sample in samples if sample.patient in chosen]
    return first, [sample for sample in samples if sample.patient not in chosen]


def groups(films: Films, together: Iterable[Collection[str]]) -> list[tuple[str, ...]]:
    """The sources, those that are one hospital in one group. Raises TrainingDataError for unknown ones."""
    joined = [tuple(sorted(set(some))) for some in together]
    check_sources(films, [source for some in joined for source in some])
    if len({source for some in joined for source in some}) < sum(map(len, joined)):
        raise TrainingDataError("a source belongs to one hospital; it is named in two groups")
    alone = [(source,) for source in films.sources if not any(source in some for some in joined)]
    return sorted([*joined, *alone])


def check_sources(films: Films, wanted: Iterable[str]) -> None:
    if unknown := sorted(set(wanted) - set(films.sources)):
        known = (
            ", ".join(source for source in films.sources if source) or "none; a manifest names them in a column source"
        )
        raise TrainingDataError(f"unknown sources: {', '.join(unknown)}; known: {known}")


def balance(samples: Sequence[Sample]) -> np.ndarray:
    """How often each sample is to be drawn, as a share: every class alike, and in each every source alike.

    A class that only one source has is still told by its source: no drawing can mend that, and leaving sources out
    shows it.
    """
    cells = Counter((sample.label, sample.source) for sample in samples)
    sources = Counter(label for label, _ in cells)
    weights = np.array([1 / cells[s.label, s.source] / sources[s.label] for s in samples])
    return weights / weights.sum()


def told_by_source(films: Films) -> list[str]:
    """The classes whose films all come from one source: a network can tell them by the source alone."""
    if len(films.sources) < 2:
        return []
    of = defaultdict(set)
    for sample in films.samples:
        of[sample.label].add(sample.source)
    return [films.labels[label] for label, sources in sorted(of.items()) if len(sources) == 1]


def some_of(samples: Sequence[Sample], most: int) -> list[Sample]:
    """At most so many, drawn so that each class and source has its share; the same ones each time."""
    if len(samples) <= most:
        return list(samples)
    order = np.random.default_rng(0).choice(len(samples), most, replace=False, p=balance(samples))
    return [samples[n] for n in sorted(order)]
